"""Hours of it: mixed load, and a random fault every 1 to 30 seconds. `python -m faults.soak --hours 8`

Deals are won, and hours are worked on them and approved. Each minute one line: what was won, what was broken, and whether
received = done + held + ignored + in flight. At its end the faults stop, the hub comes to rest, and every deal and every
approved entry is counted in the systems. Ends with 1 when anything is lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from tests.flows.world import LEAD, World, opened_world

from faults.benches.workers import ONE_OF_EACH, Load, counted
from faults.fleet import Fleet, fleet, surroundings
from tieout.testing.database import fresh_database, migrated_postgres

_WORKERS, _SYSTEMS, _PATIENCE = 3, ("salesforce", "kantata", "erp-us"), 300.0
_RULES: Sequence[Mapping[str, Any]] = (
    {"kind": "latency", "seconds": 2, "times": 5},
    {"kind": "status", "status": 503, "times": 3},
    {"kind": "status", "status": 429, "retry_after": 2, "times": 3},
    {"kind": "lost_answer", "times": 2},
    {"kind": "error_in_200", "times": 1},
)


@dataclass(slots=True)
class Soak:
    """What goes on, and what was done to it."""

    world: World
    workers: Fleet
    url: str
    chance: random.Random
    load: Load
    done: Counter[str] = field(default_factory=Counter[str])
    lost: int = 0

    async def people(self) -> None:
        """They come by the same doors as the hub, so faults hit them too: a deal that they could not win they leave."""
        while True:
            with contextlib.suppress(Exception):
                await self.load.win(1)

    async def consultants(self) -> None:
        """They work on what was won, and their hours are approved; who could not because of a fault leaves it, too."""
        while True:
            await asyncio.sleep(self.chance.uniform(0.5, 3))
            with contextlib.suppress(Exception):
                deal = self.chance.choice(self.load.won)
                day = date(2026, 10, self.chance.randint(1, 31))
                await deal.approve(await deal.work(self.chance.randrange(15, 480, 15), day=day))

    async def break_things(self) -> None:
        """One fault after the other, for ever."""
        faults: Sequence[Callable[[], Awaitable[str]]] = (self._kill, self._trouble, self._trouble, self._disconnect)
        while True:
            await asyncio.sleep(self.chance.uniform(1, 30))
            self.done[await self.chance.choice(faults)()] += 1

    async def report(self, began: float) -> None:
        """A line each minute, for ever."""
        while True:
            await asyncio.sleep(60)
            missing = await self._missing()
            self.lost += missing
            told = ", ".join(f"{count} of {what}" for what, count in sorted(self.done.items())) or "nothing yet"
            law = "the law holds" if not missing else f"{missing} MISSING"
            waiting = await self.world.rows(
                "select count(*) as n from run where state in ('queued', 'retrying', 'running')"
            )
            minutes = (time.monotonic() - began) / 60
            sys.stdout.write(
                f"{minutes:5.0f} min  {len(self.load.won)} deals won, {waiting[0]['n']} runs at work, {law}; broken: {told}\n"
            )
            sys.stdout.flush()

    async def ends(self) -> int:
        """Comes to rest and counts; how much is lost or doubled."""
        for system in _SYSTEMS:
            await self._ask("DELETE", system, {})
        await self.load.finished()
        wrong = [
            f"{deal.name}: {found}" for deal, found in await counted(self.world, self.load.won) if found != ONE_OF_EACH
        ]
        wrong += await self._hours()
        for each in wrong:
            sys.stdout.write(f"{each}\n")
        return len(wrong) + self.lost + await self._missing()

    async def _hours(self) -> list[str]:
        """The approved entries whose minutes are not, once, in the ERP; it is given a few minutes to have them."""
        desk, erp = await self.world.desk(LEAD), await self.world.erp()
        entries = [each for each in await desk.all("time_entries") if each["approved"]]
        said = {each["id"]: timedelta(minutes=each["time_in_minutes"]) for each in entries}
        sys.stdout.write(f"{len(said)} entries were approved\n")
        end = time.monotonic() + _PATIENCE
        while True:
            lines = await erp.search("timesheet.line", [["uuid", "like", "kantata-%"]], ["uuid", "duration"])
            booked: dict[str, list[timedelta]] = {}
            for each in lines:
                booked.setdefault(each["uuid"].split("-")[1], []).append(each["duration"])
            wrong = [
                f"entry {each}: {len(booked.get(each, []))} in the ERP"
                for each in said.keys() | booked.keys()
                if sum(booked.get(each, []), timedelta()) != said.get(each) or len(booked[each]) != 1
            ]
            if not wrong or time.monotonic() > end:
                return wrong
            await asyncio.sleep(2)

    async def _kill(self) -> str:
        """kill -9, and the supervisor starts another one."""
        if len(self.workers.alive) < _WORKERS:
            return "worker that was not back yet"
        self.workers.kill_any(self.chance)
        return "worker killed"

    async def _trouble(self) -> str:
        system, rule = self.chance.choice(_SYSTEMS), self.chance.choice(_RULES)
        await self._ask("POST", system, rule)
        return f"{system} {rule['kind']}"

    async def _disconnect(self) -> str:
        """Every connection to the database ends, as in a failover."""
        async with await psycopg.AsyncConnection[Any].connect(self.url, autocommit=True) as connection:
            await connection.execute(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid() and application_name like 'dbos%'
                   or pid in (select pid from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid())
                """
            )
        return "database connections cut"

    async def _ask(self, method: str, system: str, rule: Mapping[str, Any]) -> None:
        url: str = self.world.box.description["systems"][system]["url"]
        base = str(httpx2.URL(url).copy_with(path="/_sandbox/faults"))
        async with httpx2.AsyncClient(trust_env=False) as http:
            (await http.request(method, base, json=rule or None)).raise_for_status()

    async def _missing(self) -> int:
        return len(await self.world.rows("select 1 from conservation where missing <> 0 or missing_minor <> 0"))


async def soak(hours: float, seed: int) -> int:
    """How much was lost or doubled."""
    with (
        tempfile.TemporaryDirectory(prefix="tieout-soak-") as name,
        migrated_postgres() as template,
        fresh_database(template) as url,
    ):
        async with opened_world(Path(name) / "world", url) as world:
            said = surroundings(url, world.box.description)
            async with fleet(_WORKERS, said, Path(name) / "workers.log") as workers:
                running = Soak(world, workers, url, random.Random(seed), Load(world))  # noqa: S311 - repeatable
                began = time.monotonic()
                going_on = [running.people(), running.consultants(), running.break_things(), running.report(began)]
                try:
                    async with asyncio.timeout(hours * 3600):
                        await asyncio.gather(*going_on)
                except TimeoutError:
                    return await running.ends()
    raise AssertionError("a soak goes on until its time is over")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m faults.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=8)
    parser.add_argument("--seed", type=int, default=2026)
    asked = parser.parse_args(arguments)
    wrong = asyncio.run(soak(asked.hours, asked.seed))
    sys.stdout.write(f"{wrong} lost or doubled\n" if wrong else "nothing is lost, nothing is doubled\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
