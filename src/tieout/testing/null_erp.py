"""An ERP that costs nothing: it implements the contract, lives in this process, accepts everything and remembers it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tieout.connectors.contract import Change, Claim, Guarantee, Health, Operation, Page, Reading, Receipt, Write
from tieout.domain.documents.customer import Customer
from tieout.domain.identity import Ref
from tieout.domain.matching import Known
from tieout.domain.problems import Problem, Rejected

_OPERATIONS = {
    name: Operation(name, guarantee, "record", batch=500, creates="", money=Claim.UNTOUCHED, undo="")
    for name, guarantee in {
        "customer.create": Guarantee.UNIQUE,
        "project.create": Guarantee.UNIQUE,
        "project.update": Guarantee.UPSERT,
        "time.deliver": Guarantee.UNIQUE,
        "time.correct": Guarantee.UPSERT,
        "invoice.propose": Guarantee.UNIQUE,
    }.items()
}
_REFUSED = {"system": "the ERP", "action": "record", "subject": "the time", "amount": "", "link": ""}


class NullErp:
    """Knows every person; a timesheet line per uuid, once. A batch with one of the notes that it refuses, it refuses whole."""

    def __init__(self, name: str, people: Sequence[str], refuses: Collection[str] = ()) -> None:
        self.name = name
        self.refuses = refuses
        self.batches: list[int] = []
        self.lines: dict[str, str] = {}
        self._people = people
        self._numbers = itertools.count(1)

    async def check(self) -> Health:
        return Health(ok=True, detail="accepts everything", server_time=datetime.now(UTC))

    async def describe(self) -> Mapping[str, Sequence[str]]:
        return {}

    def link(self, ref: Ref) -> str:
        return ""

    async def close(self) -> None:
        return None

    async def changes(self, kind: str, since: str | None) -> Page:
        return Page((), since or "", more=False)

    async def look(self, ref: Ref) -> Change | None:
        return None

    async def read(self, ref: Ref) -> Reading | None:
        return None

    async def candidates(self, customer: Customer, names: Sequence[str]) -> Sequence[Known]:
        return ()

    async def people(self) -> Sequence[str]:
        return self._people

    def operation(self, name: str) -> Operation:
        return _OPERATIONS[name]

    async def prepare(self, write: Write) -> bytes:
        """The body as JSON, as a connector of a JSON API has to write it anyway."""
        return json.dumps(dict(write.body), default=str).encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        body: dict[str, Any] = json.loads(request)
        match operation:
            case "time.deliver":
                self.batches.append(len(body["entries"]))
                if any(each["note"] in self.refuses for each in body["entries"]):
                    raise Rejected(Problem("target.refused", _REFUSED, quote="This period is closed."))
                parts = {each["uuid"]: self._line(each["uuid"]) for each in body["entries"]}
                return Receipt("", parts=parts)
            case "project.create":
                return Receipt(self._id(), parts={each["key"]: self._id() for each in body["tasks"]})
            case "invoice.propose":  # it charges no tax
                return Receipt(self._id(), answer={"net": body["net"], "tax": "0", "total": body["net"]})
            case _:
                return Receipt(self._id())

    async def find(self, write: Write) -> Receipt | None:
        return None

    def _line(self, uuid: str) -> str:
        return self.lines.setdefault(uuid, self._id())

    def _id(self) -> str:
        return str(next(self._numbers))
