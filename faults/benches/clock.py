"""Workers whose machines have wrong clocks, and one whose clock goes back two hours while it works: nobody goes by them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.flows.world import World, opened_world

from faults.bench import Bench, Budget, Outcome, Progress
from faults.benches.workers import ONE_OF_EACH, Load, counted
from faults.fleet import fleet, queue_poison, surroundings
from tieout.testing.database import fresh_database, migrated_postgres

_LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
_INSTALLED = _LIBRARY.exists()
# Five minutes ahead and behind, a leap day, the hour that comes twice in New York, the end of a month.
_CLOCKS = ("+5m", "-5m", "@2028-02-29 23:59:50", "@2026-11-01 05:59:50", "@2026-10-31 10:00:00", "-2h")
_DEALS, _SABOTAGED = 4, 5.0


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    outcome, chosen = Outcome(), _CLOCKS[: budget.goal(len(_CLOCKS))]
    if not _INSTALLED:
        outcome.skipped = "libfaketime is not installed (Debian: faketime)"
        return outcome
    with (
        tempfile.TemporaryDirectory(prefix="tieout-clock-") as name,
        migrated_postgres() as template,
        fresh_database(template) as url,
    ):
        async with opened_world(Path(name) / "world", url) as world:
            said, load = surroundings(url, world.box.description), Load(world)
            outcome.saboteurs["a worker that goes by its machine's clock"] = await _sleeps(said, world, Path(name))
            for number, clock in enumerate(chosen):
                if budget.over:
                    outcome.cut_short = f"{number} of {len(chosen)} clocks"
                    break
                await _work(said, load, Path(name), clock)
                outcome.real += 1
                progress(number + 1, len(chosen), clock)
            for deal, found in await counted(world, load.won):
                outcome.lost += sum(each == 0 for each in found.values())
                outcome.doubled += sum(max(0, each - 1) for each in found.values())
                outcome.evidence += [f"{deal.name}: {found}"] if found != ONE_OF_EACH else []
            outcome.measures["deals won"] = (len(load.won), "")
    return outcome


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
    title="A worker's own clock may be wrong, and may go back while it works: nothing is lost, doubled, or asleep for ever.",
    proves=("F14",),
    about=(
        "A worker process under libfaketime, with the Salesforce and Kantata sandboxes and a real Tryton, whose clocks are "
        "right. In the middle of its work its own clock goes five minutes ahead or back, two hours back, or to a leap day, "
        "the hour that comes twice, or the end of a month. All deals must be done in their time, one of everything each. The "
        "database's clock is not moved here: what waits when that goes back is a test of the store."
    ),
    minutes=2,
    run=run,
)
