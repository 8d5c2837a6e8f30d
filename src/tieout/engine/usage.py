"""Takes in readings of metered usage that their source sends: a page whole or not at all, and the same page again changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tieout.domain.documents.usage import UsageRecord
from tieout.domain.identity import content_hash
from tieout.domain.metering import Fault, Outcome, UsageRule, compared, read
from tieout.engine.deeds import Deeds
from tieout.engine.intake import store_pages
from tieout.store import messages, usage
from tieout.store.database import Tx
from tieout.store.scope import scope, widen

FLOW, KIND, PAGE = "usage_records", "usage", 5000
Via = Literal["api", "file"]


@dataclass(frozen=True, slots=True)
class Corrected:
    """A reading that says something else now: how many units it says, and said before."""

    source_id: str
    version: int
    was: UsageRecord
    now: UsageRecord


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a page: with `faults` nothing of it was taken. `waits` counts the readings that wait, by problem."""

    faults: Sequence[Fault] = ()
    outcomes: Mapping[Outcome, int] = field(default_factory=dict[Outcome, int])
    corrected: Sequence[Corrected] = ()
    waits: Mapping[str, int] = field(default_factory=dict[str, int])


class Usage(Deeds):
    """A right of its own: `usage.send`. `told` are rows with the names of `Metered`, from JSON or from a file."""

    async def take(self, source: str, told: Sequence[Any], rule: UsageRule, *, via: Via, actor: str) -> Taken:
        """Stores what is new, counts it, and queues a run that finds its packages."""
        records, faults = _judged(source, told, rule)
        if faults:
            return Taken(faults)
        try:
            async with self._database.transaction() as tx:
                taken = await self._take(tx, source, records, via, actor)
                await self._audit(tx, actor, "usage.send", source, {**taken.outcomes, "via": via})
                return taken
        except _Undone as undone:
            return undone.taken

    async def preview(self, source: str, told: Sequence[Any], rule: UsageRule) -> Taken:
        """What `take` would do; it is done, looked at and undone."""
        records, faults = _judged(source, told, rule)
        if faults:
            return Taken(faults)
        try:
            async with self._database.transaction() as tx:
                raise _Undone(await self._take(tx, source, records, "file", ""))
        except _Undone as undone:
            return undone.taken

    async def _take(self, tx: Tx, source: str, records: Sequence[UsageRecord], via: Via, actor: str) -> Taken:
        """Raises _Undone when something is wrong with the page."""
        ids, mine = [each.source_id for each in records], scope()
        # Whose a reading is, and what was said of it before, is found out whoever sends it.
        await widen(tx)
        known = await usage.known(tx, source, ids)
        found, faults = compared(records, known)
        strangers = await usage.strange(tx, source, ids, mine) if mine is not None else set[str]()
        news = [record for record, outcome in found if outcome != "same"]
        now = self._clock()
        await usage.save(tx, news, via=via, actor=actor, now=now)
        await store_pages(tx, source, KIND, [_arrival(each) for each in news], flow=FLOW, page=PAGE, via=via, now=now)
        await usage.resolve(tx, source, ids, waiting=False)
        if mine is not None:
            strangers |= await usage.strange(tx, source, ids, mine)
            faults += [_not_seen(n, each) for n, each in enumerate(records, 1) if each.source_id in strangers]
        if faults:
            raise _Undone(Taken(faults))
        corrected = [(each, known[each.source_id]) for each, outcome in found if outcome == "corrected"]
        return Taken(
            outcomes=Counter(outcome for _, outcome in found),
            corrected=[Corrected(each.source_id, each.version, was.said[was.newest], each) for each, was in corrected],
            waits=await usage.waiting(tx, source, ids),
        )


class _Undone(Exception):
    """Ends a transaction whose page is not taken: it only looked, or something is wrong."""

    def __init__(self, taken: Taken) -> None:
        super().__init__()
        self.taken = taken


def _judged(source: str, told: Sequence[Mapping[str, Any]], rule: UsageRule) -> tuple[list[UsageRecord], list[Fault]]:
    if source not in rule.sources:
        known = f"Say one of {', '.join(rule.sources)}, or" if rule.sources else "The firm has none:"
        fix = f"{known} add it to `usage: sources` in tieout.yaml."
        return [], [Fault(0, "source", f"no source of usage is called “{source}”", fix)]
    return read(source, told)


def _not_seen(row: int, record: UsageRecord) -> Fault:
    what = f"{record.engagement} is no engagement of your legal entities"
    return Fault(row, "engagement", what, "Leave the reading to somebody who sees it.")


def _arrival(each: UsageRecord) -> messages.Arrival:
    """Money is in no reading: the law counts them."""
    version = f"{each.version:09}#{content_hash(each.body())[:16]}"
    return messages.Arrival(each.source, KIND, each.source_id, version, payload=each.body())
