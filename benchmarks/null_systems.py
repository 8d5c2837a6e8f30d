"""A CRM and a PSA that cost nothing: they live in this process, accept everything and count what they were told."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from tieout.connectors.contract import Change, Claim, Guarantee, Health, Operation, Page, Reading, Receipt, Write
from tieout.domain.documents.customer import Address, Customer, TaxId
from tieout.domain.documents.engagement import Engagement
from tieout.domain.identity import Ref, business_key, content_hash
from tieout.domain.money import Money

_PAGE = 200


class _Null:
    """A system that makes and changes whatever it is told; `told` counts by operation and subject."""

    operations: ClassVar[Mapping[str, Guarantee]]

    def __init__(self, name: str) -> None:
        self.name = name
        self.told: Counter[tuple[str, str]] = Counter()
        self._numbers = itertools.count(1)
        self._operations = {
            each: Operation(each, guarantee, "record", creates="", money=Claim.UNTOUCHED, undo="")
            for each, guarantee in self.operations.items()
        }

    async def check(self) -> Health:
        return Health(ok=True, detail="accepts everything")

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

    def operation(self, name: str) -> Operation:
        return self._operations[name]

    async def prepare(self, write: Write) -> bytes:
        return json.dumps({"subject": write.subject, **write.body, **write.ids}, default=str).encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        body: dict[str, Any] = json.loads(request)
        self.told[operation, body["subject"]] += 1
        parts = {each["key"]: self._id() for each in body["tasks"]} if operation == "project.create" else {}
        return Receipt(self._id(), parts=parts)

    async def find(self, write: Write) -> Receipt | None:
        return None

    def _id(self) -> str:
        return f"{self.name}-{next(self._numbers)}"


class NullPsa(_Null):
    """Projects are set up in it."""

    operations: ClassVar[Mapping[str, Guarantee]] = {
        "client.create": Guarantee.UNIQUE,
        "project.create": Guarantee.UNIQUE,
        "project.update": Guarantee.UPSERT,
        "project.report": Guarantee.UPSERT,
        "task.plan": Guarantee.UPSERT,
        "task.create": Guarantee.UNIQUE,
        "resource.create": Guarantee.UNIQUE,
    }


class NullCrm(_Null):
    """Deals are won in it, each with a customer of its own, and hear what became of them."""

    operations: ClassVar[Mapping[str, Guarantee]] = {
        "opportunity.update": Guarantee.UPSERT,
        "account.update": Guarantee.UPSERT,
    }

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.won = 0

    async def changes(self, kind: str, since: str | None) -> Page:
        first = int(since or 0)
        last = min(first + _PAGE, self.won)
        return Page([self._change(each) for each in range(first, last)], str(last), more=last < self.won)

    async def look(self, ref: Ref) -> Change | None:
        return self._change(int(ref.id))

    async def read(self, ref: Ref) -> Reading | None:
        return Reading(self.deal(int(ref.id)), "2026-10-01T09:00:00Z")

    def _change(self, number: int) -> Change:
        record = {"Id": str(number), "StageName": "Closed Won", "Amount": 98000}
        version = f"2026-10-01T09:00:00Z#{content_hash(record)[:16]}"
        return Change(Ref(self.name, "opportunity", str(number)), version, record, Money.of("98000", "USD"))

    def deal(self, number: int) -> Engagement:
        """Complete: nobody has to be asked."""
        ref, account = Ref(self.name, "opportunity", str(number)), Ref(self.name, "account", f"A{number}")
        customer = Customer(
            key=business_key("CUS", account), name=f"Client {number} Inc.",
            address=Address(street="1 Main Street", city="Boston", postal_code="02101", country="US"),
            tax_id=TaxId(type="us_ein", code=f"12-{number:07}"), payment_terms="Net 30", source_id=account.id,
        )  # fmt: skip
        return Engagement(
            key=business_key("ENG", ref), name=f"Deal {number}", stage="won", stage_name="Closed Won", customer=customer,
            legal_entity="US", currency="USD", amount=Decimal(98000), practice="Data & AI", package="DATA-FOUNDATION",
            start=date(2026, 10, 5), end=date(2027, 1, 29), payment_terms="Net 30",
            project_manager="david.lindqvist@kestrel.example", owner="margaret.osei@kestrel.example", source_id=ref.id,
        )  # fmt: skip
