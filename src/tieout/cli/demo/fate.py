"""Kills the hub while it works, on some days of the story and at some moment of them: the same for the same seed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from random import Random

from tieout.cli.demo.hub import HubProcess
from tieout.cli.demo.options import Options
from tieout.cli.demo.voice import Voice

_SHARE = 0.35
# From when the day begins, in seconds: people act, doorbells ring, runs are at work.
_MOMENTS = (0.0, 2.5)


class Fate:
    """Without `kill_hub` nothing happens."""

    def __init__(self, options: Options, hub: HubProcess, voice: Voice) -> None:
        self._strikes = options.kill_hub
        self._chance = Random(options.seed)  # noqa: S311 - the same moments for the same seed, not a secret
        self._hub = hub
        self._voice = voice

    @asynccontextmanager
    async def day(self, *, certain: bool) -> AsyncGenerator[None]:
        """While inside, the hub may be killed and started again, for `certain` on a day on which much is at stake."""
        drawn, moment = self._chance.random() < _SHARE, self._chance.uniform(*_MOMENTS)
        if not (self._strikes and (certain or drawn)):
            yield
            return
        async with asyncio.TaskGroup() as today:
            today.create_task(self._strike(moment))
            yield

    async def _strike(self, moment: float) -> None:
        await asyncio.sleep(moment)
        await self._hub.kill_and_restart()
        self._voice.say(f"the hub was killed (kill -9, number {self._hub.killed}) and started again", "red")
