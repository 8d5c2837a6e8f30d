"""The document of several engagements from the cut-off to the ERP and back, with a finance that posts, edits and deletes meanwhile."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.systems.test_consolidated import deals

from tieout import sandbox
from tieout.connectors.contract import Change, Claim, Guarantee, Operation, OutcomeUnknown, Page, Receipt, Write
from tieout.domain.consolidating import Consolidation
from tieout.domain.identity import Ref, content_hash
from tieout.domain.problems import Problem, Rejected
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.operator import Operator
from tieout.engine.rounds import Rounds
from tieout.flows.catalogue import FLOWS, due
from tieout.flows.invoice_to_crm_and_psa import invoice_to_crm_and_psa
from tieout.folder.loading import load
from tieout.store import runs
from tieout.store.database import Database, rows
from tieout.store.figures import figures
from tieout.systems.register import Register
from tieout.systems.systems import systems_for
from tieout.testing.books import Books, Deal
from tieout.testing.crash import Crashed, FragileDatabase, Fuse, When
from tieout.testing.hand import pick_up, settle
from tieout.testing.null_erp import NullErp

pytestmark = pytest.mark.anyio
FIRM = load(Path(sandbox.__file__).parent / "firm" / "kestrel").model_copy(
    update={"consolidated": (Consolidation(one_per="customer"),)}
)
# A sample on every commit; the books here have room for a walk of every third moment (3).
STEP = int(os.environ.get("TIEOUT_CRASH_STEP", "29"))
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
    sabotage: frozenset[str] = frozenset()
    ledger: Ledger = field(default_factory=Ledger)
    crm: Anything = field(default_factory=lambda: Anything("salesforce"))
    rounds: Rounds = field(init=False)
    executor: Executor = field(init=False)

    def __post_init__(self) -> None:
        connections: dict[str, Any] = {
            "salesforce": self.crm, "kantata": Anything("kantata"), "erp-us": self.ledger, "erp-de": NullErp("erp-de", []),
        }  # fmt: skip
        today, clock = (lambda: date(2026, 11, 3)), self.books.now
        intake = Intake(self.database, clock, [Feed(self.ledger, "invoice", invoice_to_crm_and_psa)])
        self.executor = Executor(
            self.database,
            clock,
            today,
            FLOWS,
            systems_for(connections, clock, self.sabotage),
            lambda: FIRM,
            "worker",
            self.sabotage,
        )
        self.rounds = Rounds(
            self.database, clock, today, intake, connections, lambda tx, day: due(tx, FIRM, day), every=_SETTLE
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


@pytest.fixture
async def cut_off(books: Books) -> AsyncGenerator[CutOff, None]:
    """Every test moves documents, so every test ends with books that tie out."""
    hub = CutOff(books, books.database)
    yield hub
    assert (await figures(books.database)).ties_out


async def with_one_that_waits(hub: CutOff) -> tuple[list[Deal], str]:
    """Three engagements at their cut-off, the last one without the order that it needs; and the document of the others."""
    three = await deals(hub.books, 3)
    await tell(hub, three[2], po_required=True)
    await hub.settle()
    ((key, lines),) = hub.drafts().items()
    assert lines == 2
    assert sorted(await hub.holds()) == ["billing.po_missing", "invoice.incomplete"]
    return three, key


async def tell(hub: CutOff, deal: Deal, **facts: Any) -> None:
    register = Register(hub.database, hub.books.now)
    found = await register.engagement(deal.engagement)
    assert found is not None
    await register.save(found.model_copy(update=facts), entity="US", engagement=deal.engagement)


async def go_on(hub: CutOff, deal: Deal) -> None:
    """The order has come: what waited is decided."""
    await tell(hub, deal, po_number="PO-1")
    async with hub.database.transaction() as tx:
        assert await runs.release(tx, f"time_to_invoice:{deal.engagement}/2026-10:1", hub.books.now(), False)


def only(hub: CutOff) -> str:
    (record,) = hub.ledger.records
    return record


async def test_who_waits_is_left_out_and_told_and_comes_on_the_draft_when_it_is_decided(cut_off: CutOff) -> None:
    three, key = await with_one_that_waits(cut_off)
    await go_on(cut_off, three[2])
    await cut_off.settle()
    assert cut_off.drafts() == {key: 3}
    assert cut_off.ledger.made == 2
    assert await cut_off.holds() == []
    assert {(each["state"], each["record_id"]) for each in await cut_off.rows("select * from invoice")} == {
        ("draft", only(cut_off))
    }
    effects = await cut_off.rows(
        "select version, state from effect where operation = 'invoice.propose' order by version"
    )
    assert effects == [{"version": "0001", "state": "done"}, {"version": "0002", "state": "done"}]
    await cut_off.settle()
    assert cut_off.ledger.made == 2, "looking again makes nothing"


async def test_what_finance_decides_comes_back_to_each_engagement_with_its_share(cut_off: CutOff) -> None:
    three = await deals(cut_off.books, 3)
    await cut_off.settle()
    record = only(cut_off)
    cut_off.ledger.post(record)
    cut_off.ledger.pay(record, "1000.01")
    await cut_off.settle()
    told = [cut_off.crm.told[f"{each.opportunity}/money"] for each in three]
    assert {each["invoice_status"] for each in told} == {"partly paid"}
    assert [each["paid"] for each in told] == ["166.67", "333.34", "500.00"]
    shown = [cut_off.crm.told[f"{each.engagement}-2026-10"] for each in three]
    assert {each["number"] for each in shown} == {f"2026/{record}"}
    assert [each["total"] for each in shown] == ["340.00", "680.00", "1020.00"]
    cut_off.ledger.pay(record, "1039.99")
    await cut_off.settle()
    assert {cut_off.crm.told[f"{each.opportunity}/money"]["invoice_status"] for each in three} == {"paid"}


async def test_finance_posts_before_the_latecomer_and_its_draft_is_another_one(cut_off: CutOff) -> None:
    three, key = await with_one_that_waits(cut_off)
    cut_off.ledger.post(only(cut_off))
    await cut_off.settle()
    assert await cut_off.holds() == ["billing.po_missing"], "what the draft left out is decided with it"
    await go_on(cut_off, three[2])
    await cut_off.settle()
    assert cut_off.drafts() == {key: 2, f"{key}-2": 1}


async def test_finance_posts_in_the_very_moment_in_which_the_draft_is_to_be_made_anew(cut_off: CutOff) -> None:
    three, key = await with_one_that_waits(cut_off)
    cut_off.ledger.posts_at_once = True
    await go_on(cut_off, three[2])
    await cut_off.settle()
    assert cut_off.drafts() == {key: 2, f"{key}-2": 1}
    assert "target.refused" not in await cut_off.holds()


async def test_a_draft_that_finance_has_changed_is_left_as_it_is(cut_off: CutOff) -> None:
    three, key = await with_one_that_waits(cut_off)
    cut_off.ledger.records[only(cut_off)]["lines"][0]["description"] = "Consulting in October"
    await go_on(cut_off, three[2])
    await cut_off.settle()
    assert cut_off.drafts() == {key: 2, f"{key}-2": 1}


async def joined_while_an_answer_was_lost(
    books: Books, sabotage: frozenset[str] = frozenset()
) -> tuple[list[int], list[str]]:
    """The lines of each draft that the ERP has in the end, and what waits for a person."""
    hub = CutOff(books, books.database, sabotage)
    three = await deals(books, 3)
    await tell(hub, three[2], po_required=True)
    hub.ledger.silent = True
    await settle(hub)
    await go_on(hub, three[2])
    await hub.settle()
    return list(hub.drafts().values()), await hub.holds()


async def test_a_lost_answer_makes_no_second_draft_even_when_another_joins_meanwhile(books: Books) -> None:
    assert await joined_while_an_answer_was_lost(books) == ([3], [])


async def test_a_hub_that_does_not_settle_the_version_before_is_noticed(books: Books) -> None:
    lines, holds = await joined_while_an_answer_was_lost(books, frozenset({"forget_unsettled"}))
    assert lines == [2]
    assert "invoice.totals_differ" in holds


async def drafted_without_an_answer(books: Books, sabotage: frozenset[str] = frozenset()) -> int:
    """The ERP makes what it is asked for however often, and loses its first answer: how many drafts there are in the end."""
    hub = CutOff(books, books.database, sabotage)
    hub.ledger.blind = hub.ledger.silent = True
    await deals(books, 2)
    await hub.settle()
    return len(hub.ledger.records)


async def test_a_draft_whose_answer_was_lost_is_looked_for_and_not_made_again(books: Books) -> None:
    assert await drafted_without_an_answer(books) == 1


async def test_a_hub_that_forgets_what_it_sent_is_noticed(books: Books) -> None:
    assert await drafted_without_an_answer(books, frozenset({"fresh_key"})) > 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_moment_leaves_one_document_with_everybody_on_it(
    books: Books, database_url: str, when: When
) -> None:
    at, number, ledger = 1 + (STEP // 2 if when == "after" else 0), 1, Ledger()
    fragile = FragileDatabase(database_url, ledger.fuse)
    await fragile.open()
    try:
        while True:
            two = await deals(books, 2, number)
            hub = CutOff(books, fragile, ledger=ledger)
            await tell(hub, two[1], po_required=True)
            await hub.settle()
            await go_on(hub, two[1])
            ledger.fuse.light(at, when)
            died = await dies(hub)
            ledger.fuse.light(0, when)
            hub = CutOff(books, fragile, ledger=ledger)
            await hub.settle()
            await has_everybody_once(hub, two)
            if not died:
                break
            at, number = at + STEP, number + 2
    finally:
        await fragile.close()
    assert number > 3, "the walk must meet moments of the refreshing"


async def test_a_hub_that_dies_right_after_it_took_the_draft_back_makes_the_next_one(cut_off: CutOff) -> None:
    three, key = await with_one_that_waits(cut_off)
    await go_on(cut_off, three[2])
    cut_off.ledger.fuse.light(0, "after", "invoice.withdraw")
    assert await dies(cut_off)
    assert cut_off.drafts() == {}
    cut_off.ledger.fuse.light(0, "after")
    await cut_off.settle()
    assert cut_off.drafts() == {key: 3}


async def has_everybody_once(hub: CutOff, engagements: Sequence[Deal]) -> None:
    """One document of these engagements, in the ERP as in the books."""
    keys = [each.engagement for each in engagements]
    ours = await hub.rows("select consolidated, state, record_id from invoice where engagement = any(%s)", keys)
    (document,) = {each["consolidated"] for each in ours}
    (record,) = [each for each, told in hub.ledger.records.items() if told["reference"] == document]
    assert len(hub.ledger.records[record]["lines"]) == len(keys)
    assert [(each["state"], each["record_id"]) for each in ours] == [("draft", record)] * len(keys)


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


async def test_t42_one_engagement_s_share_is_taken_back_by_the_hub_and_pays_for_that_one_alone(cut_off: CutOff) -> None:
    first, second, _ = await deals(cut_off.books, 3)
    await cut_off.settle()
    record, ledger = only(cut_off), cut_off.ledger
    ledger.post(record)
    await cut_off.settle()
    key, operator = f"{second.engagement}-2026-10", Operator(cut_off.database, cut_off.books.now)
    await operator.corrections.credit(key, reason="billed to the wrong company", actor="anna")
    await cut_off.settle()
    (asked,) = await cut_off.rows("select id from approval where state = 'open'")
    await operator.answer_approval(asked["id"], approve=True, actor="carlos")
    await cut_off.settle()
    (note,) = [each for each, told in ledger.records.items() if told["reference"] == f"{key}-R"]
    assert ledger.records[note]["net"] == "-680.00"
    ledger.post(note)
    ledger.records[note] |= {"open_amount": "0.00", "state": "paid"}
    ledger.pay(record, "680.00")
    await cut_off.settle()
    status = {each: cut_off.crm.told[f"{each}-2026-10"]["state"] for each in (first.engagement, second.engagement)}
    assert status == {first.engagement: "posted", second.engagement: "credited"}
    assert [each["source_id"] for each in await cut_off.rows("select source_id from unbilled")] == ["T2"]


async def test_finance_deletes_the_draft_and_a_person_frees_the_work_of_all(cut_off: CutOff) -> None:
    three = await deals(cut_off.books, 3)
    await cut_off.settle()
    del cut_off.ledger.records[only(cut_off)]
    async with cut_off.database.transaction() as tx:
        await tx.execute(
            "update run set state = 'queued', handed_over = false, generation = generation + 1 where flow = 'drafts_still_there'"
        )
    await cut_off.settle()
    (hold,) = await cut_off.rows("select id, code, facts from hold where state = 'open'")
    assert (hold["code"], hold["facts"]["invoice"][:4]) == ("invoice.vanished", "CON-")
    await Operator(cut_off.database, cut_off.books.now).decide(
        hold["id"], choice="release", reason="wrong month", actor="anna"
    )
    await cut_off.settle()
    assert {each["state"] for each in await cut_off.rows("select state from invoice")} == {"cancelled"}
    assert [each["minutes"] for each in await cut_off.rows("select minutes from unbilled order by minutes")] == [
        60,
        120,
        180,
    ]
    assert len(three) == 3


async def test_t16_a_credited_line_asks_in_its_own_engagement_what_becomes_of_its_work(cut_off: CutOff) -> None:
    first, second, _ = await deals(cut_off.books, 3)
    await cut_off.settle()
    record = only(cut_off)
    cut_off.ledger.post(record)
    await cut_off.settle()
    line = next(each for each in cut_off.ledger.records[record]["lines"] if second.project in each["description"])
    note = cut_off.ledger.credit(line, record)
    await cut_off.settle()
    (hold,) = await cut_off.rows("select id, code, engagement, facts from hold where state = 'open'")
    assert (hold["code"], hold["engagement"], hold["facts"]["credit"]) == (
        "billing.credited",
        second.engagement,
        f"CN/{record}",
    )
    assert cut_off.crm.told[f"{second.engagement}-2026-10-C{note}"]["net"] == "-680.00"
    assert cut_off.crm.told[f"{second.opportunity}/money"]["invoice_status"] == "posted, credited in part"
    await Operator(cut_off.database, cut_off.books.now).decide(
        hold["id"], choice="write_off", reason="agreed", actor="anna"
    )
    await cut_off.settle()
    assert await cut_off.holds() == []
    (aside,) = await cut_off.rows("select engagement, fate, minutes from piece")
    assert (aside["engagement"], aside["fate"], aside["minutes"]) == (second.engagement, "written_off", 120)
    assert cut_off.crm.told[f"{first.opportunity}/money"]["billed"] == "340.00"


async def test_a_line_by_hand_on_the_posted_document_is_a_difference(cut_off: CutOff) -> None:
    await deals(cut_off.books, 2)
    await cut_off.settle()
    record = only(cut_off)
    told = cut_off.ledger.records[record]
    told["lines"].append({"description": "Travel", "quantity": "1", "unit_price": "20.00", "amount": "20.00"})
    told |= {"net": "1040.00", "total": "1040.00", "open_amount": "1040.00"}
    cut_off.ledger.post(record)
    await cut_off.settle()
    assert await cut_off.holds() == ["invoice.totals_differ"]
    shares = await cut_off.rows("select total from invoice order by key")
    assert sum(each["total"] for each in shares) == Decimal(1040)
    told["lines"].pop()
    told |= {"net": "1020.00", "total": "1020.00", "open_amount": "1020.00"}
    await cut_off.settle()
    assert await cut_off.holds() == []
