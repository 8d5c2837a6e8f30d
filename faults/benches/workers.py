"""Three workers under load, of which one dies again and again: another one goes on with its runs, and one of everything is there."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median, quantiles

from tests.flows.world import LEAD, Deal, World, opened_world

from faults.bench import Bench, Budget, Outcome, Progress
from faults.fleet import Fleet, fleet, queue_poison, surroundings, until
from tieout.engine.ending import DEATHS
from tieout.testing.database import fresh_database, migrated_postgres

_WORKERS, _KILLS, _DEALS = 3, 25, 40
_RAISING, _HANGING, _KILLING = 40, 4, 3
_PACE, _BETWEEN, _PATIENCE, _GOAL = 0.7, 5.0, 180.0, 5.0
ONE_OF_EACH = {"customers": 1, "erp projects": 1, "psa projects": 1}


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    outcome, chance = Outcome(), Random(seed)  # noqa: S311 - repeatable on purpose
    with (
        tempfile.TemporaryDirectory(prefix="tieout-workers-") as name,
        migrated_postgres() as template,
        fresh_database(template) as url,
    ):
        async with opened_world(Path(name) / "world", url) as world:
            said = surroundings(url, world.box.description)
            async with fleet(_WORKERS, said, Path(name) / "workers.log") as workers:
                load = Load(world)
                await _compare(outcome, load, workers, budget, progress)
                await _kill_often(outcome, load, workers, budget, progress, chance)
                await load.finished()
            await _judge(outcome, world, load.won)
            outcome.saboteurs["a fleet that counts no deaths"] = await _dies_for_ever(said, world, Path(name))
            outcome.saboteurs["under suspicion it goes beside others"] = await _takes_along(said, world, Path(name))
    return outcome


@dataclass(slots=True)
class Load:
    """People who win one deal after the other."""

    world: World
    won: list[Deal] = field(default_factory=list[Deal])

    async def win(self, count: int) -> list[str]:
        """The keys of so many deals, won one after the other at a steady pace."""
        keys: list[str] = []
        for _ in range(count):
            began = time.monotonic()
            deal = await self.world.deal()
            await deal.win()
            self.won.append(deal)
            keys.append(deal.key)
            await asyncio.sleep(max(0.0, _PACE - (time.monotonic() - began)))
        return keys

    async def for_ever(self) -> None:
        while True:
            await self.win(1)

    async def finished(self, patience: float = _PATIENCE) -> None:
        """Until every deal's run is over. Raises TimeoutError."""
        await until(self._done, patience, "every deal has its projects")

    async def seconds(self, keys: Sequence[str]) -> list[float]:
        """How long the hub took for each deal, from its arrival to its end."""
        found = await self.world.rows(
            """
            select extract(epoch from max(ended_at) - min(created_at))::float as seconds
            from run where flow = 'opportunity_to_project' and state = 'done' and engagement = any(%s) group by engagement
            """,
            list(keys),
        )
        return [each["seconds"] for each in found]

    async def _done(self) -> bool:
        keys = [each.key for each in self.won]
        found = await self.world.rows(
            """
            select count(distinct engagement) as n from run
            where flow = 'opportunity_to_project' and state = 'done' and engagement = any(%s)
            """,
            keys,
        )
        return found[0]["n"] == len(self.won)


async def _compare(outcome: Outcome, load: Load, workers: Fleet, budget: Budget, progress: Progress) -> None:
    """The same deals without poison, beside records that raise and hang, and beside such as a worker dies of."""
    deals = budget.goal(_DEALS)
    await load.win(2)  # whoever comes first finds nothing open yet
    took = {"calm": await _beside(load, deals, {})}
    took["quiet"] = await _beside(load, deals, {"raises": budget.goal(_RAISING), "hangs": budget.goal(_HANGING)})
    killing = budget.goal(_KILLING)
    took["deadly"] = await _beside(load, deals, {"kills": killing})
    await until(lambda: _parked(load.world), _PATIENCE, "every record on which workers die has its hold")
    outcome.real += killing * DEATHS
    if workers.ended > killing:
        outcome.lost += 1
        outcome.evidence.append(f"{workers.ended} workers died of {killing} records: one took others along twice")
    outcome.measures |= {
        "deals won in each of three batches": (deals, ""),
        "p95 of a deal": (p95(took["calm"]), "s"),
        "p95 beside records that raise and hang": (p95(took["quiet"]), "s"),
        "times as long beside records that raise and hang": (p95(took["quiet"]) / p95(took["calm"]), ""),
        "records on which a worker dies": (killing, ""),
        "workers that died of them": (workers.ended, ""),
        "p95 beside records on which a worker dies": (p95(took["deadly"]), "s"),
        "times as long beside records on which a worker dies": (p95(took["deadly"]) / p95(took["calm"]), ""),
        "p50 of a deal": (median(took["calm"]), "s"),
        "p50 beside records on which a worker dies": (median(took["deadly"]), "s"),
        "longest beside records on which a worker dies": (max(took["deadly"]), "s"),
    }
    progress(1, 2, f"{workers.ended} workers died of {killing} records")
    await workers.all_there(_WORKERS)


async def _beside(load: Load, deals: int, poison: Mapping[str, int]) -> list[float]:
    """Seconds that each of so many deals took, won while so much poison of each kind is worked off."""
    async with load.world.hub.database.transaction() as tx:
        for way, count in poison.items():
            for number in range(count):
                await queue_poison(tx, f"{way} {number}", way)
    keys = await load.win(deals)
    await load.finished()
    return await load.seconds(keys)


async def _parked(world: World) -> bool:
    return not await world.rows("select 1 from run where flow = 'poison' and version = 'kills' and state <> 'held'")


async def _kill_often(
    outcome: Outcome, load: Load, workers: Fleet, budget: Budget, progress: Progress, chance: Random
) -> None:
    """Kills one that is at work; the time until another one begins with what it left."""
    goal, times, winning = budget.goal(_KILLS), list[float](), asyncio.create_task(load.for_ever())
    try:
        while len(times) < goal and not budget.over:
            await asyncio.sleep(_BETWEEN * chance.random())
            await workers.all_there(_WORKERS)
            took = await _kill_one(load.world, workers, chance)
            if took is not None:
                times.append(took)
                progress(len(times), goal, f"taken up after {took:.1f} s")
    finally:
        winning.cancel()
        await asyncio.gather(winning, return_exceptions=True)
    outcome.real += len(times)
    if len(times) < goal:
        outcome.cut_short = f"{len(times)} of {goal} kills"
    if times and p95(times) > _GOAL:
        outcome.lost += 1
        outcome.evidence.append(f"p95 until another worker goes on is {p95(times):.1f} s")
    outcome.measures |= {
        "workers killed at work": (len(times), ""),
        "p50 until another goes on": (sorted(times)[len(times) // 2] if times else 0.0, "s"),
        "p95 until another goes on": (p95(times), "s"),
    }


async def _kill_one(world: World, workers: Fleet, chance: Random) -> float | None:
    """Seconds until another worker has begun with something that the killed one left; None when it left nothing.

    What hangs is no work: it may wait for a place until another one that hangs has given its own away.
    """
    busy = [each for each in await _at_work(world) if workers.has(each)]
    if not busy:
        return None
    victim = chance.choice(busy)
    workers.kill(victim)
    killed = time.monotonic()
    left = [
        each["id"]
        for each in await world.rows(
            "select id from run where state = 'running' and flow <> 'poison' and worker = %s", victim
        )
    ]
    async with asyncio.timeout(_PATIENCE):
        while left:
            taken = await world.rows("select 1 from run where id = any(%s) and worker <> %s", left, victim)
            if taken:
                return time.monotonic() - killed
            await asyncio.sleep(0.02)
    return None


async def _at_work(world: World) -> list[str]:
    found = await world.rows("select distinct worker from run where state = 'running' and flow <> 'poison'")
    return [each["worker"] for each in found]


async def _judge(outcome: Outcome, world: World, won: Sequence[Deal]) -> None:
    """One of everything in the systems for every deal, and the law of conservation."""
    for deal, counts in await counted(world, won):
        outcome.lost += sum(max(0, 1 - each) for each in counts.values())
        outcome.doubled += sum(max(0, each - 1) for each in counts.values())
        if counts != ONE_OF_EACH:
            outcome.evidence.append(f"{deal.name}: {counts}")
    missing = await world.rows("select * from conservation where missing <> 0 or missing_minor <> 0")
    outcome.lost += len(missing)
    outcome.evidence += [str(each) for each in missing]
    outcome.measures["deals won"] = (len(won), "")


async def counted(world: World, deals: Sequence[Deal]) -> list[tuple[Deal, dict[str, int]]]:
    """How many of each there are in the target systems, deal by deal."""
    erp, desk = await world.erp(), await world.desk(LEAD)
    parties = await erp.search("party.party", [["code", "in", [each.customer for each in deals]]], ["code"])
    works = await erp.search("project.work", [["number", "in", [each.project for each in deals]]], ["number"])
    spaces = await desk.all("workspaces", include_archived="true")
    codes, numbers = Counter(each["code"] for each in parties), Counter(each["number"] for each in works)
    titles = Counter(each["title"] for each in spaces)
    return [
        (each, {
            "customers": codes[each.customer], "erp projects": numbers[each.project], "psa projects": titles[each.name],
        })
        for each in deals
    ]  # fmt: skip


async def _dies_for_ever(said: dict[str, str], world: World, folder: Path) -> bool:
    """Whether processes go on dying where no death is counted."""
    sabotaged = {**said, "FLEET_SABOTAGE": "count_no_deaths"}
    async with fleet(1, sabotaged, folder / "uncounted.log"):
        run = await _poisoned(world, "for ever")
        await until(lambda: _died(world, run, DEATHS + 2), _PATIENCE, "a process dies again and again")
    return (await world.rows("select state from run where id = %s", run))[0]["state"] != "held"


async def _takes_along(said: dict[str, str], world: World, folder: Path) -> bool:
    """Whether one record is the death of more than one worker where it never goes alone."""
    async with fleet(1, {**said, "FLEET_SABOTAGE": "never_alone"}, folder / "together.log") as workers:
        run = await _poisoned(world, "together")
        await until(lambda: _died(world, run, DEATHS), _PATIENCE, "a worker dies again and again")
        return workers.ended > 1


async def _poisoned(world: World, subject: str) -> str:
    async with world.hub.database.transaction() as tx:
        await queue_poison(tx, subject, "kills")
    return f"poison:{subject}:kills"


async def _died(world: World, run: str, times: int) -> bool:
    return bool(await world.rows("select 1 from run where id = %s and deaths >= %s", run, times))


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed; the largest where there are few."""
    return quantiles(values, n=20)[-1] if len(values) >= 20 else max(values, default=0.0)


BENCH = Bench(
    name="workers",
    title="A worker dies under load and another one goes on within seconds; a record on which workers die stops nobody else.",
    proves=("F1", "F11"),
    about=(
        "Three workers, each a process, on one Postgres, with the Salesforce and Kantata sandboxes and a real Tryton. Deals "
        f"are won, one every {_PACE:g} s. First the same number without poison, beside records that raise or hang, and beside "
        "such as a worker dies of by a segmentation fault, which must all end as holds and may each be the death of one worker: "
        "what comes after goes in a process of its own. Then one worker that has runs is killed with `kill -9`, with all its "
        "processes, again and again and started anew: p95 until another one has begun with what it left must be "
        f"at most {_GOAL:g} s. At the end every deal must have one customer, one ERP project and one PSA project, counted "
        "in the systems."
    ),
    minutes=8,
    alone=True,
    run=run,
)
