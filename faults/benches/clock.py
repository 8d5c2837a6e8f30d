"""Clocks that are wrong, go back, or show another day: a worker's own, the database's, and those of people in other zones."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.flows.world import World, opened_world

from faults import days, wall_clock
from faults.bench import Bench, Budget, Outcome, Progress
from faults.benches.workers import ONE_OF_EACH, Load, counted
from faults.fleet import fleet, queue_poison, surroundings
from tieout.testing.database import fresh_database, migrated_postgres

_LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
_INSTALLED = _LIBRARY.exists()
# Five minutes ahead and behind, two hours back, a leap day, the hours that come twice or never, and the end of a month at both
# ends of the world's clock: what the worker's machine shows, and the zone in which it does.
_CLOCKS = (
    ("-2h", "UTC"),
    ("@2026-10-31 23:59:50", "Pacific/Kiritimati"),
    ("+5m", "UTC"),
    ("-5m", "UTC"),
    ("@2026-10-31 23:59:50", "Etc/GMT+12"),
    ("@2026-11-01 01:59:50", "America/New_York"),
    ("@2026-03-29 01:59:50", "Europe/Berlin"),
    ("@2028-02-29 23:59:50", "UTC"),
)
_MOVES, _DEALS, _SABOTAGED = 300, 4, 5.0


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    outcome = Outcome()
    _days(outcome)
    with migrated_postgres() as template:
        await _database(outcome, template, budget, seed, progress)
        if not _INSTALLED:
            outcome.evidence.append("no worker's clock was touched: libfaketime is not installed (Debian: faketime)")
        elif not outcome.cut_short:
            await _workers(outcome, template, budget, progress)
    return outcome


def _days(outcome: Outcome) -> None:
    """Pure code, at the ends of months and at changes of summer time, everywhere."""
    outcome.simulated, wrong = days.judged()
    outcome.lost += len(wrong)
    outcome.evidence += wrong[:5]
    outcome.saboteurs |= days.saboteurs()


async def _database(outcome: Outcome, template: str, budget: Budget, seed: int, progress: Progress) -> None:
    """Intake and its runs, while the clock by which they all go is set."""
    outcome.saboteurs |= await wall_clock.saboteurs(template, seed)
    struck, goal = Counter[str](), budget.goal(_MOVES)
    for each in itertools.count(seed):
        if struck["the clock goes back"] + struck["the clock goes ahead"] >= goal:
            break
        if budget.over:
            outcome.cut_short = f"{struck.total()} faults of the database's clock"
            break
        gone = await wall_clock.one_walk(template, each)
        struck += gone.faults
        outcome.lost += len(gone.verdict.lost) + len(gone.verdict.believed)
        outcome.doubled += len(gone.verdict.doubled)
        outcome.evidence += [f"seed {each}: {what}" for what in gone.verdict.everything][:5]
        progress(0, len(_CLOCKS), f"the database's clock: {struck.total()} faults")
    outcome.real += struck.total()
    outcome.measures |= {what: (count, "") for what, count in sorted(struck.items())}


async def _workers(outcome: Outcome, template: str, budget: Budget, progress: Progress) -> None:
    """Whole workers, each on a machine whose clock is wrong."""
    chosen = _CLOCKS[: budget.goal(len(_CLOCKS))]
    with tempfile.TemporaryDirectory(prefix="tieout-clock-") as name, fresh_database(template) as url:
        async with opened_world(Path(name) / "world", url) as world:
            said, load = surroundings(url, world.box.description), Load(world)
            outcome.saboteurs["a worker that goes by its machine's clock"] = await _sleeps(said, world, Path(name))
            for number, (clock, zone) in enumerate(chosen):
                if budget.over:
                    outcome.cut_short = f"{number} of {len(chosen)} clocks of workers"
                    break
                await _work({**said, "TZ": zone}, load, Path(name), clock)
                outcome.real += 1
                progress(number + 1, len(chosen), f"{clock} in {zone}")
            for deal, found in await counted(world, load.won):
                outcome.lost += sum(each == 0 for each in found.values())
                outcome.doubled += sum(max(0, each - 1) for each in found.values())
                outcome.evidence += [f"{deal.name}: {found}"] if found != ONE_OF_EACH else []
            outcome.measures["deals won"] = (len(load.won), "")


async def _work(said: Mapping[str, str], load: Load, folder: Path, clock: str) -> None:
    """One worker whose machine is right until the middle, and wrong from then on. Raises TimeoutError when work is left."""
    file = folder / "now"
    file.write_text("+0")
    async with fleet(1, {**said, **_fake(file)}, folder / "workers.log"):
        await load.win(_DEALS)
        file.write_text(clock)
        await load.win(_DEALS)
        await load.finished()


async def _sleeps(said: Mapping[str, str], world: World, folder: Path) -> bool:
    """Whether a run that is due stays where it is when a worker goes by a clock that is two hours late."""
    file = folder / "now"
    file.write_text("-2h")
    async with world.hub.database.transaction() as tx:
        await queue_poison(tx, "due", "raises")
    async with fleet(1, {**said, **_fake(file), "FLEET_CLOCK": "machine"}, folder / "workers.log"):
        await asyncio.sleep(_SABOTAGED)
    return bool(await world.rows("select 1 from run where flow = 'poison' and state = 'queued'"))


def _fake(file: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(_LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip


BENCH = Bench(
    name="clock",
    title="A clock may be wrong, go back, or show another day: nothing is lost, doubled, or asleep for ever.",
    proves=("F14",),
    about=(
        "Three clocks. People's: at every month's end and every change of summer time, from UTC+14 to UTC-12, the firm's day "
        "is that on its own walls, and states of a record keep their order, whatever the account shows. The database's: it is "
        "five minutes off the source's, or goes two hours back or ahead, while pages, rings and runs go on; nothing is ordered "
        "by it, and what waits does not sleep on. A machine's: a worker process under libfaketime, with the Salesforce and "
        "Kantata sandboxes and a real Tryton, whose clocks are right; in the middle of its work its own clock goes wrong, or "
        "comes to a leap day, an hour that comes twice or never, or the end of a month at either end of the world's clock. "
        "All deals must be done in their time, one of everything each."
    ),
    minutes=4,
    run=run,
)
