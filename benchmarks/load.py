"""Posts prepared requests over a few connections that stay open, as fast as the answers come or on a schedule, and times each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Answers:
    """How many of each status, how long each took (milliseconds), and all together (seconds).

    `cpu` is what the load itself cost this process, in seconds of one core.
    """

    statuses: Counter[int] = field(default_factory=Counter[int])
    times: list[float] = field(default_factory=list[float])
    wall: float = 0.0
    cpu: float = 0.0

    def add(self, others: Answers) -> None:
        self.statuses.update(others.statuses)
        self.times += others.times
        self.wall += others.wall
        self.cpu += others.cpu


def post(url: str, body: bytes, content_type: str) -> bytes:
    """The bytes of one request; written once, so that the load costs next to nothing while it is measured."""
    parts = urlsplit(url)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def fire(url: str, requests: Sequence[bytes], connections: int, rate: float | None = None) -> Answers:
    """With a `rate` (requests per second) each request has its moment, whatever became of those before it, and its time
    counts from that moment; without one it begins when a connection is free.
    """
    answers = Answers()
    began, spent = time.perf_counter(), time.process_time()
    due = iter([(began + number / rate if rate else 0.0, request) for number, request in enumerate(requests)])
    await asyncio.gather(*(_one(url, due, answers) for _ in range(connections)))
    answers.wall, answers.cpu = time.perf_counter() - began, time.process_time() - spent
    return answers


async def _one(url: str, due: Iterator[tuple[float, bytes]], answers: Answers) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    for moment, request in due:
        early = moment - time.perf_counter()
        if early > 0:
            await asyncio.sleep(early)
        began = moment or time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        answers.times.append(1000 * (time.perf_counter() - began))
        answers.statuses[int(head[9:12])] += 1
    writer.close()
    await writer.wait_closed()
