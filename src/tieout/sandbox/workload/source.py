"""The simulated firm's PSA without a network: it offers every state in pages of 200, as the contract of a source says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from tieout.connectors.contract import Change, Health, Page, Reading
from tieout.domain.identity import Ref
from tieout.sandbox.workload.entries import Told, told
from tieout.sandbox.workload.firm import SimulatedFirm

PAGE = 200


class SimulatedPsa:
    """The cursor is the number of states that were read; whoever goes back to an earlier one has them all made again."""

    def __init__(self, name: str, firm: SimulatedFirm) -> None:
        self.name = name
        self._firm = firm
        self._at = 0
        self._rest = told(firm)

    async def changes(self, kind: str, since: str | None) -> Page:
        first = int(since or 0)
        if first != self._at:
            self._rest, self._at = islice(told(self._firm), first, None), first
        states = list(islice(self._rest, PAGE))
        self._at += len(states)
        return Page([self._change(each) for each in states], str(self._at), more=len(states) == PAGE)

    def _change(self, each: Told) -> Change:
        ref = Ref(self.name, "time_entry", each.record["source_id"])
        return Change(ref, each.record["source_version"], each.record, each.worth)

    async def look(self, ref: Ref) -> Change | None:
        """The newest state of one entry; it is looked for among all of them."""
        found = [each for each in told(self._firm) if each.last and each.record["source_id"] == ref.id]
        return self._change(found[0]) if found else None

    async def read(self, ref: Ref) -> Reading | None:
        return None

    async def check(self) -> Health:
        return Health(ok=True, detail="simulated")

    async def describe(self) -> Mapping[str, Sequence[str]]:
        return {}

    def link(self, ref: Ref) -> str:
        return ""

    async def close(self) -> None:
        return None
