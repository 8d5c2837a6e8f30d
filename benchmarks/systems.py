"""The sandbox's systems as a process of their own, so that their processor time is not taken for the hub's.

Run as `python -m benchmarks.systems STATE [BELL_URL BELL_TOKEN]`. It announces itself with one line of JSON, moves the
story's clock on with the real one, jumps to each date that it reads, and ends when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path

from tieout.sandbox.box import Box, default_cache, opened
from tieout.sandbox.options import Bell, Options

_TICK = 0.1


async def main(state: str, *bell: str) -> None:
    options = Options(state=Path(state), bell=Bell(*bell) if bell else None, erp_cache=default_cache())
    async with opened(options) as box:
        _say(json.dumps(box.description))
        async with asyncio.TaskGroup() as group:
            ticking = group.create_task(_tick(box))
            while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
                box.story.clock.jump(datetime.combine(date.fromisoformat(line), time(9), tzinfo=UTC))
                _say(line)
            ticking.cancel()


async def _tick(box: Box) -> None:
    while True:
        await asyncio.sleep(_TICK)
        box.story.clock.tick(_TICK)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
