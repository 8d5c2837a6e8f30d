"""A record on which workers die, hang or burst is parked after a few tries, and its neighbours hardly notice."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.engine.poisoned_process import SLOW, hands

from tieout.engine.ending import DEATHS, FAULTS
from tieout.engine.replay import Replays, Wanted
from tieout.store import plans, runs
from tieout.store.database import Database, rows

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PROCESS = Path(__file__).parent / "poisoned_process.py"
Runs = Mapping[str, dict[str, Any]]


@dataclass(slots=True)
class Fleet:
    """Workers under a supervisor that starts another one whenever one ends."""

    url: str
    said: Sequence[str]
    ended: list[int] = field(default_factory=list[int])
    _started: int = 0

    async def keep_one(self) -> None:
        while True:
            self._started += 1
            command = [sys.executable, "-W", "ignore", str(PROCESS), self.url, f"w{self._started}", *self.said]
            process = await asyncio.create_subprocess_exec(
                *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                self.ended.append(await process.wait())
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


@asynccontextmanager
async def fleet(url: str, size: int, *said: str) -> AsyncGenerator[Fleet, None]:
    workers = Fleet(url, said)
    kept = [asyncio.create_task(workers.keep_one()) for _ in range(size)]
    try:
        yield workers
    finally:
        for each in kept:
            each.cancel()
        await asyncio.gather(*kept, return_exceptions=True)


def now() -> datetime:
    return datetime.now(UTC)


async def queue(database: Database, way: str, subject: str, lane: str = "") -> None:
    async with database.transaction() as tx:
        await runs.queue(
            tx, f"deadly:{subject}:{way}", flow="deadly", subject=subject, version=way, lane=lane or subject,
            now=now(),
        )  # fmt: skip


async def until(database: Database, true: Callable[[Runs], bool], seconds: float) -> Runs:
    deadline, found = time.monotonic() + seconds, dict[str, dict[str, Any]]()
    while time.monotonic() < deadline:
        async with database.transaction() as tx:
            found = {each["subject"]: each for each in await rows(tx, "select * from run")}
        if true(found):
            return found
        await asyncio.sleep(0.2)
    raise AssertionError({name: (each["state"], each["deaths"], each["reason"]) for name, each in found.items()})


async def problems(database: Database) -> dict[str, tuple[str, str]]:
    """Code and owner of what waits, by subject."""
    async with database.transaction() as tx:
        found = await rows(tx, "select subject, code, owner from hold where state = 'open'")
    return {each["subject"]: (each["code"], each["owner"]) for each in found}


def parked(*subjects: str) -> Callable[[Runs], bool]:
    return lambda found: all(found[each]["state"] == "held" for each in subjects)


@pytest.mark.parametrize("way", ["kills", "eats", "stands still"])
async def test_a_run_at_which_workers_end_is_parked(database: Database, database_url: str, way: str) -> None:
    """Its first death takes along what it was beside; the others are its own affair."""
    await queue(database, way, "poison", lane="one")
    await queue(database, "works", "behind it", lane="one")
    for number in range(6):
        await queue(database, "works", f"beside it {number}")
    async with fleet(database_url, 1) as workers:
        found = await until(database, parked("poison"), 60)
        found = await until(database, lambda all_: sum(each["state"] == "done" for each in all_.values()) == 7, 20)
    assert len(workers.ended) == 1
    assert found["poison"]["deaths"] == DEATHS
    assert found["behind it"]["started_at"] > found["poison"]["ended_at"]
    assert await problems(database) == {"poison": ("run.poison", "the integration engineer")}


async def test_a_run_that_raises_or_hangs_is_parked_and_harms_nobody(database: Database, database_url: str) -> None:
    await queue(database, "raises", "wrong")
    await queue(database, "never answers", "endless")
    await queue(database, "works", "beside them")
    async with fleet(database_url, 1) as workers:
        found = await until(database, parked("wrong", "endless"), 60)
    assert workers.ended == []
    assert found["beside them"]["state"] == "done"
    assert {found[each]["attempts"] for each in ("wrong", "endless")} == {FAULTS}
    assert found["endless"]["reason"] == "not ended after 2 s, in “never answers”"
    engineer = "the integration engineer"
    assert await problems(database) == {"wrong": ("run.failed", engineer), "endless": ("run.hung", engineer)}


async def test_runs_that_hang_give_their_places_to_others(database: Database, database_url: str) -> None:
    """The worker has four places."""
    await more_hang_than_there_are_places(database)
    async with fleet(database_url, 1, "patient"):
        found = await until(database, lambda all_: all_["behind them"]["state"] == "done", 30)
    assert {found[f"endless {number}"]["state"] for number in range(5)} == {"running"}


async def test_where_they_kept_them_nobody_else_would_be_begun(database: Database, database_url: str) -> None:
    """The saboteur: what giving the place away is for."""
    await more_hang_than_there_are_places(database)
    async with fleet(database_url, 1, "patient", "keeps_place"):
        await until(database, lambda all_: sum(each["state"] == "running" for each in all_.values()) == 4, 30)
        await asyncio.sleep(3)
        found = await until(database, lambda _: True, 5)
    assert found["behind them"]["state"] == "queued"


async def test_runs_that_hang_alone_give_their_places_to_a_neighbour(database: Database, database_url: str) -> None:
    """All that were beside a killer go alone, four at a time: four that hang would keep the fifth from its trial."""
    for number in range(5):
        await queue(database, "never answers", f"endless {number}")
    await queue(database, "kills", "poison")
    async with fleet(database_url, 1, "patient") as workers:
        found = await until(database, parked("poison"), 40)
    assert len(workers.ended) == 1
    assert {found[f"endless {number}"]["state"] for number in range(5)} == {"running"}


async def begun_alone(database: Database, *said: str) -> int:
    """Five runs under suspicion that never answer, of which four may be begun at once: how many are, a while later."""
    begun, everybody = list[str](), asyncio.Event()

    async def alone(run_id: str, _: int) -> int:
        begun.append(run_id)
        if len(begun) == len(found):
            everybody.set()
        await asyncio.Event().wait()
        return 0

    for number in range(5):
        await queue(database, "never answers", f"endless {number}")
    async with database.transaction() as tx:
        found = await rows(tx, "update run set deaths = 1 returning id, generation")
    executor = hands(database, "w1", ("patient", *said), alone=alone)
    work = [asyncio.create_task(executor.execute(each["id"], each["generation"])) for each in found]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5 * SLOW.total_seconds()):
            await everybody.wait()
    for each in work:
        each.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    return len(begun)


async def test_four_that_hang_alone_keep_the_fifth_for_seconds_and_not_for_all_their_time(database: Database) -> None:
    assert await begun_alone(database) == 5


async def test_where_they_kept_their_places_the_fifth_would_wait(database: Database) -> None:
    assert await begun_alone(database, "keeps_place") == 4


async def more_hang_than_there_are_places(database: Database) -> None:
    for number in range(5):
        await queue(database, "never answers", f"endless {number}")
    await queue(database, "works", "behind them")


async def test_after_the_correction_it_is_replayed_and_its_tries_begin_anew(
    database: Database, database_url: str
) -> None:
    """Even the look at what it would do is the end of a worker: that is tried twice, and then stands in the plan."""
    await queue(database, "kills", "poison")
    async with fleet(database_url, 1):
        await until(database, parked("poison"), 60)
    async with fleet(database_url, 1) as workers:
        plan = await planned(database)
        assert [each["content"]["end"] for each in plan] == ["fault"]
        assert len(workers.ended) == 2
        await confirm(database)
        await until(database, lambda found: found["poison"]["deaths"] == 1, 20)
        await until(database, parked("poison"), 60)
        assert len(workers.ended) == 2 + 1
    async with fleet(database_url, 1, "cured") as workers:
        plan = await planned(database)
        assert [each["content"]["end"] for each in plan] == ["done"]
        await confirm(database)
        found = await until(database, lambda all_: all_["poison"]["state"] == "done", 20)
    assert (found["poison"]["attempts"], found["poison"]["deaths"], workers.ended) == (1, 0, [])
    assert await problems(database) == {}


async def planned(database: Database) -> list[dict[str, Any]]:
    """The items of a new plan for the run, as soon as it is made."""
    asked = await Replays(database, now).ask(Wanted(run="deadly:poison:kills"), actor="mia")
    for _ in range(400):
        async with database.transaction() as tx:
            plan = await plans.get(tx, asked)
            if plan is not None and plan["state"] == "open":
                return await plans.items(tx, asked)
        await asyncio.sleep(0.1)
    raise AssertionError("the plan is never made")


async def confirm(database: Database) -> None:
    async with database.transaction() as tx:
        newest = (await plans.listed(tx, 1))[0]
    assert await Replays(database, now).confirm(newest["id"], hash_=newest["hash"], actor="mia")


async def test_without_the_count_processes_die_for_ever(database: Database, database_url: str) -> None:
    """The saboteur: what the count is for."""
    await queue(database, "kills", "poison")
    async with fleet(database_url, 2, "count_no_deaths"):
        await until(database, lambda found: found["poison"]["deaths"] > DEATHS + 1, 60)


async def test_beside_others_a_killer_would_have_them_parked_too(database: Database, database_url: str) -> None:
    """The saboteur: what a process of its own is for."""
    await queue(database, "kills", "poison")
    for number in range(3):
        await queue(database, "works", f"beside it {number}")
    async with fleet(database_url, 1, "never_alone") as workers:
        await until(database, parked("poison"), 60)
        await until(database, lambda found: all(each["state"] in ("held", "done") for each in found.values()), 20)
    assert len(await problems(database)) > 1
    assert len(workers.ended) == DEATHS
