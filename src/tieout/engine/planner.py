"""Makes the plans that people ask for, looks once more when they confirm, and follows what they set in motion."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from tieout.domain.firm import Firm
from tieout.domain.plan import PlannedItem, differences, hash_of, sums
from tieout.engine.configuration import Configuration, configuration_then
from tieout.engine.rehearsal import Rehearser
from tieout.engine.replay import approval_needed
from tieout.engine.run import Clock
from tieout.store import holds, messages, plans, runs
from tieout.store.database import Database, sole

log = structlog.get_logger(__name__)

_LEADER = 7_316_842_003
_AT_ONCE = 4
# A look at which so many workers ended is not taken again.
_LOOKS = 2
_LOOK = 0.25
# Seconds that an operation is taken to need before it was ever seen, and how many runs go side by side.
_GUESS = 0.5
_SIDE_BY_SIDE = 8


class Planner:
    """One process at a time; all it knows is in the database, so the next one goes on where it died."""

    def __init__(self, database: Database, clock: Clock, firm: Callable[[], Firm], rehearser: Rehearser) -> None:
        self._database = database
        self._clock = clock
        self._firm = firm
        self._rehearser = rehearser

    async def forever(self) -> None:
        while True:
            try:
                async with self._database.session() as session:
                    while await sole(session, _LEADER):
                        await self.work()
                        await asyncio.sleep(_LOOK)
            except Exception:  # the database may be restarting; the loop is what brings the plans back
                log.exception("planning stopped and begins again")
            await asyncio.sleep(1)

    async def work(self) -> None:
        """Does what there is to do about every plan."""
        async with self._database.transaction() as tx:
            waiting = await plans.at_work(tx)
        for plan in waiting:
            match plan["state"]:
                case "making":
                    await self._make(plan)
                case "checking":
                    await self._check(plan)
                case _:
                    await self._follow(plan)

    async def _make(self, plan: Mapping[str, Any]) -> None:
        async def find_out(item: Mapping[str, Any]) -> None:
            content = await self._rehearse(plan, item)
            async with self._database.transaction() as tx:
                await plans.found_out(tx, plan["id"], item["position"], content.model_dump(mode="json"))

        await self._each(plan, find_out)
        async with self._database.transaction() as tx:
            items = [PlannedItem.model_validate(each["content"]) for each in await plans.items(tx, plan["id"])]
            found = sums(items, seconds=_seconds(items, await plans.usual_seconds(tx)))
            needed = approval_needed(found, self._firm())
            content = found.model_dump(mode="json")
            await plans.made(tx, plan["id"], hash_=hash_of(items), sums=content, needs_approval=needed)

    async def _check(self, plan: Mapping[str, Any]) -> None:
        """Looks at the world once more; what would happen now must be what the person confirmed."""
        moved: list[str] = []

        async def compare(item: Mapping[str, Any]) -> None:
            seen = PlannedItem.model_validate(item["content"])
            now = await self._rehearse(plan, item)
            if now.fingerprint() == seen.fingerprint():
                async with self._database.transaction() as tx:
                    await plans.checked(tx, plan["id"], item["position"])
            else:
                moved.append(f"{now.title}: {_what_moved(seen, now)}")

        await self._each(plan, compare)
        async with self._database.transaction() as tx:
            current = await plans.locked(tx, plan["id"])
            if current is None or current["state"] != "checking":
                return  # somebody stopped it meanwhile
            if moved:
                more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
                await plans.end(tx, plan["id"], "moved", "; ".join(sorted(moved)[:3]) + more, self._clock())
                return
            begun = await plans.release(tx, current, self._clock())
            await messages.release(tx, begun)
            ended = [each["id"] for each in await holds.of_runs(tx, begun)]
            why = f"replayed with P-{plan['id']}: {plan['what']}"
            await holds.act(tx, ended, current["confirmed_by"], why, self._clock())

    async def _follow(self, plan: Mapping[str, Any]) -> None:
        async with self._database.transaction() as tx:
            current = await plans.locked(tx, plan["id"])
            if current is None or current["state"] != "running" or await plans.follow(tx, plan["id"], self._clock()):
                return
            left = await plans.progress(tx, plan["id"])
            if left["items"] > current["reach"] and left["planned"]:
                await plans.reopen(tx, plan["id"])
            else:
                await plans.end(tx, plan["id"], "done", "", self._clock())

    async def _each(self, plan: Mapping[str, Any], act: Callable[[Mapping[str, Any]], Any]) -> None:
        """Acts on every item that is to be looked at, a few at a time; one that fails fails them all, and all begin again.

        What was looked at when a worker ended comes last, one after the other, so that it is seen which one it was.
        """
        async with self._database.transaction() as tx:
            todo = await plans.to_rehearse(tx, plan)
        turns = asyncio.Semaphore(_AT_ONCE)

        async def in_turn(item: Mapping[str, Any]) -> None:
            async with turns:
                await act(item)

        async with asyncio.TaskGroup() as group:
            for item in todo:
                if not item["looks"]:
                    group.create_task(in_turn(item))
        for item in todo:
            if item["looks"]:
                await act(item)

    async def _rehearse(self, plan: Mapping[str, Any], item: Mapping[str, Any]) -> PlannedItem:
        """What the run would do; a look that was the end of two workers is not taken a third time."""
        if item["looks"] >= _LOOKS:
            return await self._unlooked(item)
        async with self._database.transaction() as tx:
            await plans.looking(tx, plan["id"], item["position"])
        found = await self._look(plan, item)
        async with self._database.transaction() as tx:
            await plans.looked(tx, plan["id"], item["position"])
        return found

    async def _unlooked(self, item: Mapping[str, Any]) -> PlannedItem:
        async with self._database.transaction() as tx:
            run = await runs.get(tx, item["run_id"])
        assert run is not None, f"there is no run {item['run_id']}"
        return PlannedItem(
            run=run["id"], flow=run["flow"], subject=run["subject"], title=run["subject"], entity=run["entity"],
            engagement=run["engagement"], end="fault", why="Tieout itself stops when it looks at this",
        )  # fmt: skip

    async def _look(self, plan: Mapping[str, Any], item: Mapping[str, Any]) -> PlannedItem:
        today = Configuration(self._firm())
        if plan["how"] == "as_it_is_now":
            return await self._rehearser.rehearse(item["run_id"], today, plan["again"])
        async with self._database.transaction() as tx:
            earlier = await configuration_then(tx, item["firm_version"], item["as_of"])
        then = await self._rehearser.rehearse(item["run_id"], earlier, plan["again"])
        now = await self._rehearser.rehearse(item["run_id"], today, plan["again"])
        return then.model_copy(update={"differs": differences(now, then)})


def _seconds(items: list[PlannedItem], usual: Mapping[tuple[str, str], float]) -> float:
    """How long it will take: what the writes took lately, several runs side by side."""
    each = [
        sum(usual.get((w.connection, w.operation), _GUESS) for w in item.writes if w.act != "skip") for item in items
    ]
    return round(max([*each, sum(each) / _SIDE_BY_SIDE], default=0.0), 1)


def _what_moved(seen: PlannedItem, now: PlannedItem) -> str:
    if seen.end != now.end:
        return f"it would end as {now.end}, not as {seen.end}" + (f" ({now.why or '; '.join(now.problems)})")
    before, after = ({each.target: (each.act, each.content) for each in item.writes} for item in (seen, now))
    for target in dict.fromkeys([*before, *after]):
        if before.get(target) != after.get(target):
            return f"{target[1]} {target[2]} in {target[0]} is not what the plan shows any more"
    return "its documents or its worth changed"
