"""The hub's books of limits that span engagements, as one of these sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tieout.domain.charging.room import Used
from tieout.domain.spanning import SpanningCap
from tieout.store import spanning
from tieout.store.database import Database


@dataclass(frozen=True, slots=True)
class Spanned:
    """How often something was billed in each span by now, what is billed elsewhere by limit, who else is beneath which."""

    turns: Mapping[str, int]
    elsewhere: Mapping[str, Used]
    beside: Mapping[str, frozenset[str]]


class Spans:
    """Each verb one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seen_from(self, caps: Sequence[SpanningCap], engagement: str) -> Spanned:
        """What these limits, which an engagement is beneath, have to do with others."""
        beside: dict[str, set[str]] = {}
        async with self._database.transaction() as tx:
            turns = await spanning.turns(tx, [each.span for each in caps])
            elsewhere = {each.name: await spanning.elsewhere(tx, each, engagement) for each in caps}
            for each in caps:
                for other in await spanning.neighbours(tx, each, engagement):
                    beside.setdefault(other, set()).add(each.name)
        return Spanned(turns, elsewhere, {other: frozenset(names) for other, names in beside.items()})
