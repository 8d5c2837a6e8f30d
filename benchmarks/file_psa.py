"""The time of a simulated firm from a file that is written once: what making it costs is no part of what taking it in costs."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

from tieout.connectors.contract import Change, Page
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.sandbox.workload.entries import told
from tieout.sandbox.workload.firm import SimulatedFirm
from tieout.sandbox.workload.source import PAGE, SimulatedPsa


def written(firm: SimulatedFirm, path: Path) -> Path:
    """Every state of every entry in the order in which it is told, a line of JSON each with what it is worth."""
    with path.open("w") as file:
        for each in told(firm):
            worth = [str(each.worth.amount), each.worth.currency]
            file.write(json.dumps({"record": each.record, "worth": worth}, default=str) + "\n")
    return path


class FilePsa(SimulatedPsa):
    """Pages of 200 lines; the cursor is the place in the file."""

    def __init__(self, name: str, firm: SimulatedFirm, path: Path) -> None:
        super().__init__(name, firm)
        self._file = path.open("rb")

    async def changes(self, kind: str, since: str | None) -> Page:
        self._file.seek(int(since or 0))
        lines = list(islice(iter(self._file.readline, b""), PAGE))
        return Page([self._told(each) for each in lines], str(self._file.tell()), more=len(lines) == PAGE)

    def _told(self, line: bytes) -> Change:
        one = json.loads(line)
        record, (amount, currency) = one["record"], one["worth"]
        ref = Ref(self.name, "time_entry", record["source_id"])
        return Change(ref, record["source_version"], record, Money.of(amount, currency))

    async def close(self) -> None:
        self._file.close()
