"""A hub worked by hand at the cut-off, and the ERP at which it drafts: one that is silent, blind or fast, as a test wants it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tieout.connectors.contract import Change, Claim, Guarantee, Operation, OutcomeUnknown, Page, Receipt, Write
from tieout.domain.firm import Firm
from tieout.domain.identity import Ref, content_hash
from tieout.domain.problems import Problem, Rejected
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.rounds import Rounds
from tieout.flows.catalogue import FLOWS, due
from tieout.flows.invoice_to_crm_and_psa import invoice_to_crm_and_psa
from tieout.store import runs
from tieout.store.database import Database, rows
from tieout.systems.systems import systems_for
from tieout.testing.books import Books
from tieout.testing.crash import Crashed, Fuse
from tieout.testing.hand import pick_up, settle
from tieout.testing.null_erp import NullErp

_SETTLE = timedelta(seconds=30)
_PROPOSE = Operation(
    "invoice.propose", Guarantee.LOOK_UP, "draft the invoice", _SETTLE, creates="invoice", money=Claim.DRAFTED, undo="delete it"
)  # fmt: skip
_WITHDRAW = Operation(
    "invoice.withdraw", Guarantee.UPSERT, "withdraw the draft", creates="", money=Claim.DRAFTED, undo=""
)
_REFUSED = {"system": "the ERP", "action": "withdraw", "subject": "the draft", "amount": "", "link": ""}


class Ledger(NullErp):
    """Drafts without tax, found by their reference. `silent` loses its next answer, `posts_at_once` books what is to be deleted,
    `blind` makes a draft whatever is there. The hub may die at every call."""

    def __init__(self) -> None:
        super().__init__("erp-us", ["K003"])
        self.records: dict[str, dict[str, Any]] = {}
        self.silent = self.posts_at_once = self.blind = False
        self.fuse = Fuse()
        self.made = 0
        self._stamps = itertools.count(1)

    def operation(self, name: str) -> Operation:
        return {each.name: each for each in (_PROPOSE, _WITHDRAW)}.get(name) or super().operation(name)

    async def prepare(self, write: Write) -> bytes:
        return json.dumps({**write.body, "record": write.ids.get("record", "")}, default=str).encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        if self.fuse.burns("before", operation):
            raise Crashed(f"before {operation}")
        receipt = await self._carry_out(operation, request)
        if self.fuse.burns("after", operation):
            raise Crashed(f"after {operation}")
        return receipt

    async def _carry_out(self, operation: str, request: bytes) -> Receipt:
        body = json.loads(request)
        if operation == _WITHDRAW.name:
            return self._delete(body["record"])
        if operation != _PROPOSE.name:
            return await super().send(operation, request)
        there = next((each for each, told in self.records.items() if told["reference"] == body["key"]), None)
        record = there if there and not self.blind else str(100 + self.made)
        if record not in self.records:
            self.made += 1
            self.records[record] = {
                "reference": body["key"], "number": "", "state": "draft",
                "type": "credit_note" if body["net"].startswith("-") else "invoice", "invoice_date": None, "due_date": None,
                "net": body["net"], "tax": "0", "total": body["net"], "open_amount": body["net"], "currency": body["currency"],
                "payments": [], "disputed": "",
                "lines": [{name: each[name] for name in ("description", "quantity", "unit_price", "amount")} for each in body["lines"]],
            }  # fmt: skip
        if self.silent:
            self.silent = False
            raise OutcomeUnknown("no answer")
        return self._receipt(record)

    def _delete(self, record: str) -> Receipt:
        if self.posts_at_once:
            self.post(record)
        if record in self.records and self.records[record]["state"] != "draft":
            raise Rejected(Problem("target.refused", _REFUSED, quote="it is posted"))
        self.records.pop(record, None)
        return Receipt(record)

    def _receipt(self, record: str) -> Receipt:
        return Receipt(record, answer={name: self.records[record][name] for name in ("net", "tax", "total")})

    async def find(self, write: Write) -> Receipt | None:
        found = [each for each, told in self.records.items() if told["reference"] == write.subject]
        return self._receipt(found[0]) if found else None

    def _change(self, record: str) -> Change:
        told = self.records[record]
        version = f"{next(self._stamps):06}#{content_hash(told)[:16]}"
        return Change(Ref(self.name, "invoice", record), version, dict(told))

    async def changes(self, kind: str, since: str | None) -> Page:
        return Page([self._change(each) for each in self.records], "all", more=False)

    async def look(self, ref: Ref) -> Change | None:
        return self._change(ref.id) if ref.id in self.records else None

    # -- finance

    def post(self, record: str) -> None:
        self.records[record] |= {"state": "posted", "number": f"2026/{record}", "invoice_date": "2026-11-03"}

    def pay(self, record: str, amount: str) -> None:
        told = self.records[record]
        left = Decimal(told["open_amount"]) - Decimal(amount)
        told["payments"] = [
            *told["payments"],
            {"id": str(len(told["payments"])), "paid_on": "2026-11-20", "amount": amount},
        ]
        told |= {"open_amount": str(left), "state": "partly_paid" if left else "paid"}

    def credit(self, line: Mapping[str, Any], of: str) -> str:
        """A posted credit note of a whole line, not used as a payment."""
        amount = str(-Decimal(line["amount"]))
        note = {
            **self.records[of],
            "reference": self.records[of]["number"],
            "number": f"CN/{of}",
            "type": "credit_note",
        }
        back = {**line, "quantity": str(-Decimal(line["quantity"])), "amount": amount}
        self.records[f"9{of}"] = note | {
            "net": amount, "total": amount, "open_amount": amount, "lines": [back], "payments": []
        }  # fmt: skip
        return f"9{of}"


class Anything(NullErp):
    """A CRM or a PSA that takes what it is told, and remembers it by its subject."""

    def __init__(self, name: str) -> None:
        super().__init__(name, [])
        self.told: dict[str, dict[str, Any]] = {}

    def operation(self, name: str) -> Operation:
        return Operation(name, Guarantee.UPSERT, "tell", creates="", money=Claim.UNTOUCHED, undo="")

    async def prepare(self, write: Write) -> bytes:
        return json.dumps([write.subject, dict(write.body)], default=str).encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        subject, body = json.loads(request)
        self.told[subject] = body
        return Receipt(subject)


@dataclass
class CutOff:
    """A hub worked by hand on the day of the cut-off."""

    books: Books
    database: Database
    firm: Firm
    sabotage: frozenset[str] = frozenset()
    ledger: Ledger = field(default_factory=Ledger)
    day: date = date(2026, 11, 3)
    crm: Anything = field(default_factory=lambda: Anything("salesforce"))
    rounds: Rounds = field(init=False)
    executor: Executor = field(init=False)

    def __post_init__(self) -> None:
        connections: dict[str, Any] = {
            "salesforce": self.crm, "kantata": Anything("kantata"), "erp-us": self.ledger, "erp-de": NullErp("erp-de", []),
        }  # fmt: skip
        today, clock = (lambda: self.day), self.books.now
        intake = Intake(self.database, clock, [Feed(self.ledger, "invoice", invoice_to_crm_and_psa)])
        self.executor = Executor(
            self.database,
            clock,
            today,
            FLOWS,
            systems_for(connections, clock, self.sabotage),
            lambda: self.firm,
            "worker",
            self.sabotage,
        )
        self.rounds = Rounds(
            self.database, clock, today, intake, connections, lambda tx, day: due(tx, self.firm, day), every=_SETTLE
        )

    def clock(self) -> Any:
        return self.books.now()

    async def settle(self) -> None:
        """Also after the moments that runs wait for."""
        while True:
            await pick_up(self)
            await settle(self)
            async with self.database.transaction() as tx:
                moment = await runs.next_moment(tx)
            if moment is None:
                return
            self.books.moment = max(self.books.moment, moment) + timedelta(seconds=1)

    async def rows(self, sql: Any, *values: Any) -> list[dict[str, Any]]:
        async with self.database.transaction() as tx:
            return await rows(tx, sql, values)

    async def holds(self) -> list[str]:
        return [each["code"] for each in await self.rows("select code from hold where state = 'open' order by id")]

    def drafts(self) -> dict[str, int]:
        """What the ERP has, by reference, and how many lines each has."""
        assert len({each["reference"] for each in self.ledger.records.values()}) == len(self.ledger.records), "twice"
        return {each["reference"]: len(each["lines"]) for each in self.ledger.records.values()}

    def record_of(self, engagement: str) -> str:
        """The only document that the ERP has of an engagement."""
        (record,) = [each for each, told in self.ledger.records.items() if told["reference"].startswith(engagement)]
        return record


async def dies(hub: CutOff) -> bool:
    """Works until the fuse burns; False when the work was over before."""
    try:
        await settle(hub)
    except BaseExceptionGroup as group:
        if not group.subgroup(Crashed):
            raise
        return True
    except Crashed:
        return True
    return False
