"""Posts prepared requests over a few connections that stay open, as fast as the answers come, and times each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Answers:
    """How many of each status, how long each took (milliseconds), and all together (seconds)."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    times: list[float] = field(default_factory=list[float])
    wall: float = 0.0


def post(url: str, body: bytes, content_type: str) -> bytes:
    """The bytes of one request; written once, so that the load costs next to nothing while it is measured."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def fire(url: str, requests: Sequence[bytes], connections: int) -> Answers:
    answers, waiting = Answers(), iter(requests)
    began = time.perf_counter()
    await asyncio.gather(*(_one(url, waiting, answers) for _ in range(connections)))
    answers.wall = time.perf_counter() - began
    return answers


async def _one(url: str, waiting: Iterator[bytes], answers: Answers) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    for request in waiting:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        answers.times.append(1000 * (time.perf_counter() - began))
        answers.statuses[int(head[9:12])] += 1
    writer.close()
    await writer.wait_closed()
