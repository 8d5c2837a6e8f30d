"""A slow link: a TCP proxy in front of one address that waits before it passes an answer on, and then passes little at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

_PIECE = 4


@asynccontextmanager
async def slow_link(host: str, port: int, *, delay: float = 0.0, rate: float = 0.0) -> AsyncGenerator[int, None]:
    """The port at which `host` and `port` are reached over it. `delay` is in seconds, `rate` in bytes a second, 0 for all at
    once; both are about answers: requests arrive as they are sent."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            there, here = await asyncio.open_connection(host, port)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(_passed_on(reader, here))
                    both.create_task(_slowly(there, writer, delay, rate))
            except* ConnectionError:
                pass
            finally:
                here.close()
                writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1")
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(2**16):
        writer.write(piece)
        await writer.drain()
    writer.write_eof()


async def _slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, rate: float) -> None:
    """The first piece waits; then a few bytes at a time, or whatever is there. Raises ConnectionError when nobody listens."""
    await asyncio.sleep(delay)
    while piece := await reader.read(_PIECE if rate else 2**16):
        writer.write(piece)
        await writer.drain()
        if rate:
            await asyncio.sleep(len(piece) / rate)
    writer.close()
