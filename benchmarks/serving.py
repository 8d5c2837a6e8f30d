"""A server as a child of the benchmark: it says its address, and ends with its input."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

from .ground import Ground


@asynccontextmanager
async def served(
    on: Ground, arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> AsyncGenerator[tuple[str, int], None]:
    """Its address and its process."""
    with (on.folder / "served.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=None if environment is None else dict(environment),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = await process.stdout.readline()
        if not line:
            raise RuntimeError((on.folder / "served.log").read_text()[-3000:])
        yield json.loads(line)["address"], process.pid
    finally:
        process.stdin.close()
        await process.wait()
