"""The database forgets what the targets have: a failover to a standby that was behind, and a restore to an earlier moment."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from tests.flows.world import Deal, World, opened_world

from faults.bench import Bench, Budget, Outcome, Progress
from faults.cluster import Pair, pair
from tieout.store.restoring import restored

_FAILOVERS, _ARCHIVED = 6, 60.0
_DAY = date(2026, 10, 5)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What the systems have of one deal, and what the hub has to say of it after all."""

    deal: Deal
    entry: str


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    outcome, times = Outcome(), budget.goal(_FAILOVERS)
    done = 0
    with (
        tempfile.TemporaryDirectory(prefix="tieout-forgotten-") as name,
        pair(Path(name), synchronous=False, archiving=True) as servers,
    ):
        async with opened_world(Path(name) / "world", servers.url) as world:
            outcome.saboteurs["a hub that is sure of its memory"] = await _sabotaged(world, servers, outcome)
            while done < times and not budget.over:
                await _fail_over(world, servers, outcome)
                done += 1
                forgotten = outcome.measures["effects forgotten in failovers"][0]
                progress(done, times + 1, f"{forgotten:,} effects forgotten")
            await _restore(world, servers, outcome, Path(name))
            progress(times + 1, times + 1, "restored to an earlier moment")
    if done < times:
        outcome.cut_short = f"{done} of {times} failovers"
    return outcome


async def _fail_over(world: World, servers: Pair, outcome: Outcome) -> None:
    """A deal is set up and billed while the standby takes nothing in; then the primary dies."""
    forgotten = await _forget(world, servers, outcome)
    await _works_on(world)
    await _judge(outcome, world, forgotten)


async def _works_on(world: World) -> None:
    """The hub by itself: time that was read again before its project was found goes on when it is."""
    await world.start()
    await world.settle()


async def _forget(world: World, servers: Pair, outcome: Outcome) -> Forgotten:
    await asyncio.to_thread(servers.add_standby)
    assert servers.standby is not None
    servers.standby.stop_receiving()
    forgotten = await _done(world)
    before = _effects(servers)
    servers.fail_over()
    outcome.real += 1
    known = outcome.measures.get("effects forgotten in failovers", (0, ""))[0]
    outcome.measures["effects forgotten in failovers"] = (known + before - _effects(servers), "")
    return forgotten


async def _restore(world: World, servers: Pair, outcome: Outcome, folder: Path) -> None:
    """Backup and log, to a moment before the deal that is ahead in every system."""
    backup = servers.home / f"backup-{time.monotonic_ns()}"
    await asyncio.to_thread(servers.back_up, backup)
    moment = datetime.now(UTC)
    await asyncio.sleep(1)
    forgotten = await _done(world)
    await _archived(servers)
    with restored(backup, folder, archive=servers.archive, until=moment) as url:
        outcome.real += 1
        world.url = url
        await _works_on(world)
        await _judge(outcome, world, forgotten)
        await world.stop()


async def _archived(servers: Pair) -> None:
    """Until the log that ends now is in the archive."""
    ((name,),) = servers.primary.ask("select pg_walfile_name(pg_switch_wal())")
    assert servers.archive is not None
    deadline = time.monotonic() + _ARCHIVED
    while not (servers.archive / str(name)).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} was not archived within {_ARCHIVED:.0f} s")
        await asyncio.sleep(0.2)


async def _done(world: World) -> Forgotten:
    """A won deal with its project in ERP and PSA, its approved time in the ERP, and its draft invoice."""
    deal = await world.deal()
    await deal.won_project()
    entry = await deal.work(60, day=_DAY)
    await deal.approve(entry)
    await world.settle()
    return Forgotten(deal, entry)


async def _judge(outcome: Outcome, world: World, forgotten: Forgotten) -> None:
    """One of everything in the systems, and a hub that knows of it."""
    deal = forgotten.deal
    counts = await deal.counts()
    counts["drafts"] = len(await deal.in_erp("account.invoice", "reference", f"{deal.key}-2026-10"))
    counts["timesheet lines"] = len(
        await world.rows("select from time_entry where source_id = %s and delivered_minutes = 60", forgotten.entry)
    )
    counts["invoices the hub knows"] = len(
        await world.rows("select from invoice where engagement = %s and state = 'draft'", deal.key)
    )
    outcome.doubled += sum(max(0, number - 1) for number in counts.values())
    outcome.lost += sum(number == 0 for number in counts.values())
    law = await world.rows("select * from conservation where missing <> 0 or missing_minor <> 0")
    open_effects = await world.rows("select key from effect where state in ('sent', 'unknown')")
    outcome.lost += len(law) + len(open_effects)
    if any(number != 1 for number in counts.values()) or law or open_effects:
        holds = [each["code"] for each in await world.holds(deal.key)]
        outcome.evidence.append(
            f"{deal.name}: {counts}, law {len(law)}, open effects {len(open_effects)}, holds {holds}"
        )


async def _sabotaged(world: World, servers: Pair, outcome: Outcome) -> bool:
    """The same failover with a hub that sends what its database does not know: something is doubled."""
    forgotten = await _forget(world, servers, outcome)
    await world.start(frozenset({"sure_of_memory"}))
    await world.settle()
    counts = await forgotten.deal.counts()
    await world.start()
    return any(number > 1 for number in counts.values())


def _effects(servers: Pair) -> int:
    ((count,),) = servers.primary.ask("select count(*) from tieout.effect")
    assert isinstance(count, int)
    return count


BENCH = Bench(
    name="forgotten",
    title="What the database has forgotten is found in the systems, and nothing is made twice.",
    proves=("F3", "F4"),
    about=(
        "The sandbox's systems with a real Tryton. A deal is won, set up in ERP and PSA, worked on and billed while the standby "
        "takes nothing in; the primary is killed and the standby promoted, so that the systems are ahead of the database. "
        "Then the hub works on, by itself: it must find the project, the client, the timesheet line and the draft that exist, "
        "know of them, and make no second one."
        " (Time that is read again before its project was found is held, and a person replays that hold.) The same "
        "after a restore from base backup and archived log to a moment before "
        "the deal, as `tieout drill` restores. The saboteur is a hub that is sure of its memory."
    ),
    minutes=2,
    run=run,
)
