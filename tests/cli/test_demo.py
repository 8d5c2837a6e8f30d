"""The parts of the demo that decide something: one per folder, when the hub has caught up, and whether it ties out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Tieout

from tieout.cli.demo.catching_up import CatchingUp, feeds_of
from tieout.cli.demo.comparison import compare
from tieout.cli.demo.documents import Document, documents
from tieout.cli.demo.finance import answer
from tieout.cli.demo.hub import apply_firm, let_in
from tieout.cli.demo.lock import alone
from tieout.cli.demo.result import Result
from tieout.cli.demo.showing import _month, called
from tieout.cli.demo.voice import Voice
from tieout.cli.desk import Desk, now
from tieout.cli.exits import Exit, Stop
from tieout.domain.problems import Problem
from tieout.engine.access import Access
from tieout.engine.operator import Operator
from tieout.engine.replay import Replays
from tieout.store import cursors, messages
from tieout.store.database import Database
from tieout.store.figures import Figures, Totals
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
FEEDS = [("salesforce", "opportunity"), ("kantata", "time_entry")]


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database, Operator(database, now), Replays(database, now), Access(database, now))


def test_a_second_demo_in_the_same_folder_is_told_of_the_first(
    tieout: Tieout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_HOME", str(tmp_path))
    with alone(tmp_path / "demo", fresh=False):
        said = tieout("demo", "--once", "--json")
    assert said.code == Exit.PROBLEM
    assert "A demo is running in this folder already" in said.err
    assert said.document["error"]["problems"][0]["where"] == str(tmp_path / "demo")


def test_starting_over_removes_what_a_demo_keeps_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "mine.txt").write_text("stays")
    with alone(tmp_path, fresh=True):
        assert not (tmp_path / "postgres").exists()
    assert (tmp_path / "mine.txt").exists()


class Sweeps:
    """A hub that only sweeps: writes down, again and again, that a feed was read to its end."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.moment = datetime(2026, 11, 2, tzinfo=UTC)
        self.ended = 0

    async def forever(self) -> None:
        while True:
            for connection, kind in FEEDS:
                await self.end(connection, kind)

    async def end(self, connection: str, kind: str) -> None:
        self.moment += timedelta(seconds=1)
        async with self._database.transaction() as tx:
            await cursors.advance(tx, connection, kind, str(self.moment), self.moment)
        self.ended += 1
        await asyncio.sleep(0.02)


async def test_the_hub_has_caught_up_when_every_source_was_read_again(books: Books) -> None:
    sweeps = Sweeps(books.database)
    sweeping = asyncio.create_task(sweeps.forever())
    try:
        await CatchingUp(books.database, FEEDS, patience=20)()
        assert sweeps.ended > len(FEEDS)
    finally:
        sweeping.cancel()


async def test_one_sweep_that_may_have_begun_before_is_not_enough(books: Books) -> None:
    sweeps = Sweeps(books.database)
    waiting = asyncio.create_task(CatchingUp(books.database, FEEDS, patience=20)())
    await asyncio.sleep(0.3)  # it has looked; nothing was swept yet
    for feed in FEEDS:
        await sweeps.end(*feed)
    done, _ = await asyncio.wait([waiting], timeout=0.3)
    assert not done
    await sweeps.end(*FEEDS[0])
    await asyncio.wait_for(waiting, 20)


async def test_a_hub_that_has_work_left_has_not_caught_up_and_the_work_is_named(books: Books) -> None:
    async with books.database.transaction() as tx:
        arrival = messages.Arrival("salesforce", "opportunity", "006A", "1", "USD", 100)
        await messages.record(tx, [arrival], via="sweep", now=now())
        await tx.execute("update connection set state = 'paused', reason = 'wrong password' where name = 'erp-us'")
    sweeping = asyncio.create_task(Sweeps(books.database).forever())
    try:
        with pytest.raises(Stop) as stopped:
            await CatchingUp(books.database, FEEDS, patience=0.5)()
    finally:
        sweeping.cancel()
    assert stopped.value.code == Exit.PROBLEM
    assert "erp-us is paused: wrong password" in str(stopped.value)


async def test_the_demo_waits_for_every_source_of_the_firm(desk: Desk) -> None:
    firm = await apply_firm(desk)
    assert set(feeds_of(firm)) == {
        ("salesforce", "opportunity"),
        ("salesforce", "account_merge"),
        ("salesforce", "change_order"),
        ("kantata", "time_entry"),
        ("kantata", "expense"),
        ("kantata", "milestone"),
        ("erp-us", "invoice"),
        ("erp-de", "invoice"),
    }


async def test_visitors_keep_their_tokens_as_long_as_those_are_good(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "visitors.json"
    await let_in(desk, file)
    first = file.read_text()
    await let_in(desk, file)
    assert file.read_text() == first
    assert file.stat().st_mode & 0o077 == 0
    await desk.access.revoke((await desk.access.tokens())[0]["id"], actor="demo")
    await let_in(desk, file)
    assert file.read_text() != first
    assert len(await desk.access.tokens()) == 4


async def test_finance_answers_the_value_and_the_terms_and_nothing_else(books: Books, desk: Desk) -> None:
    deal = await books.deal(1)
    facts = {"table": "practice_department", "entity": "DE", "purpose": "department", "deal": "Change Sprint"}
    await books.held("006A", [Problem("value.missing", {**facts, "value": "People & Change"})])
    await books.held("006B", [Problem("value.missing", {**facts, "value": "Astrology"})])
    await books.approval(deal, ["Amount above"], requested_by="margaret.osei@kestrel.example")
    await books.approval(deal, ["Her own"], requested_by="anna.fischer@kestrel.example")
    told = await answer(desk, now().date())
    assert len(told) == 2
    assert "department 440: 1 deal goes on" in told[0]


def the_books(**erp: Any) -> dict[str, Any]:
    psa = {"projects": 1, "entries": 2, "approved": {"value": "600.00", "billable_minutes": 120}}
    ledger = {"projects": 1, "minutes": 120, "drafts": 0, "invoices": 1, "net": "600.00", "tax": "48.00"}
    ledger |= {"total": "648.00", "paid": "648.00", "open": "0.00", **erp}
    crm = {"won": 1, "won_amount": "5000.00"}
    return {"entities": {"US": {"currency": "USD", "crm": crm, "psa": psa, "erp": ledger}}}


def the_hub() -> Figures:
    amounts = {
        "sold": "5000", "approved": "600", "billed_net": "600", "billed_tax": "48", "billed_total": "648", "paid": "648",
    }  # fmt: skip
    counts = {"deals": 1, "projects": 1, "entries": 2, "invoices": 1, "approved_minutes": 120, "delivered_minutes": 120}
    totals = Totals("US", "USD", **{name: Decimal(value) for name, value in amounts.items()}, **counts)
    return Figures([totals], [], [])


def test_the_same_figures_on_both_sides_make_no_difference() -> None:
    compared = compare(the_hub(), the_books())
    assert len(compared) == 14
    assert all(each.difference == 0 for each in compared)


def test_a_cent_that_only_the_ledger_has_is_a_difference() -> None:
    wrong = [each for each in compare(the_hub(), the_books(net="600.01")) if each.difference]
    assert [(each.entity, each.currency, each.difference) for each in wrong] == [("US", "USD", Decimal("-0.01"))]


def test_an_entity_that_the_hub_has_never_heard_of_is_compared_with_nothing() -> None:
    compared = compare(Figures([], [], []), the_books())
    assert any(each.difference for each in compared)
    assert {each.hub for each in compared} == {Decimal(0)}


HAPPENED = {"a milestone": [{"entity": "US", "engagement": "ENG-1", "told": "done", "documents": ["invoice 1"]}]}


def the_result(
    books: dict[str, Any],
    *,
    finished: bool = True,
    papers: Sequence[Document] = (),
    happened: dict[str, Any] = HAPPENED,
) -> Result:
    story = {"day": "2026-11-13", "first_day": "2026-10-01", "last_day": "2026-11-13", "finished": finished, "acts": 9}
    return Result(
        figures=the_hub(),
        compared=compare(the_hub(), books),
        documents=papers,
        happened=happened,
        holds=[],
        approvals=[],
        made={"erp.project.create": 1, "psa.project.create": 1, "erp.time.deliver": 2},
        timings={},
        story=story,
        seconds=1.0,
        hub_kills=0,
        console="http://127.0.0.1:8900",
    )


def test_a_result_shows_both_sides_of_every_figure_as_strings() -> None:
    told = the_result(the_books()).as_dict()
    assert told["ties_out"] is True
    assert {name: number for name, number in told["created"].items() if number} == {
        "projects": 1,
        "projects_in_the_psa": 1,
        "time_entries": 2,
    }
    (us,) = told["entities"]
    assert (us["delivered"], us["billed"], us["paid"], us["unbilled"]) == ("600.00", "600.00", "648.00", "0.00")
    went = ("billed", "proposed", "unbilled", "at_risk", "set_aside", "rounding")
    assert Decimal(us["delivered"]) + Decimal(us["overage"]) == sum(Decimal(us[each]) for each in went)
    net = next(each for each in us["differences"] if each["name"] == "invoices in the ERP, net")
    assert net == {
        "name": "invoices in the ERP, net",
        "currency": "USD",
        "hub": "600.00",
        "system": "600.00",
        "difference": "0.00",
    }


def test_a_result_ties_out_only_at_the_end_of_the_story_and_with_every_system() -> None:
    assert the_result(the_books()).ties_out
    assert not the_result(the_books(), finished=False).ties_out
    assert not the_result(the_books(drafts=1)).ties_out


def test_a_result_names_what_happened_with_its_documents_and_what_did_not() -> None:
    whole = the_result(the_books())
    assert whole.missing == []
    assert whole.as_dict()["happened"] == [{"what": "a milestone", "happened": True, "times": HAPPENED["a milestone"]}]
    lacking = the_result(the_books(), happened={**HAPPENED, "a cap that splits an entry": []})
    assert lacking.ties_out
    assert lacking.missing == lacking.as_dict()["missing"] == ["a cap that splits an entry"]


PAID = {"id": "66", "date": "2026-11-05", "amount": Decimal("648.00")}


def the_hub_s_invoice(**more: Any) -> dict[str, Any]:
    amounts = {"net": "600.00", "tax": "48.00", "total": "648.00", "open_amount": "0.00"}
    return {
        "key": "ENG-1-2026-10", "entity": "US", "currency": "USD", "record_id": "7", "number": "INV-1", "state": "paid",
        "invoice_date": date(2026, 11, 3), "payments": [PAID], **{name: Decimal(it) for name, it in amounts.items()}, **more,
    }  # fmt: skip


def the_erp_s_invoice(**more: Any) -> dict[str, Any]:
    return {
        "id": "7", "number": "INV-1", "reference": "ENG-1-2026-10", "state": "paid", "date": "2026-11-03", "net": "600.00",
        "tax": "48.00", "total": "648.00", "open": "0.00", "payments": [{**PAID, "amount": "648.00"}], **more,
    }  # fmt: skip


def papers(known: Sequence[dict[str, Any]], told: Sequence[dict[str, Any]]) -> list[Document]:
    return documents(known, {"entities": {"US": {"currency": "USD", "erp": {"documents": list(told)}}}})


def test_an_invoice_is_the_same_in_the_erp_to_the_payment() -> None:
    (same,) = papers([the_hub_s_invoice()], [the_erp_s_invoice()])
    assert same.differing == []
    for name, other in (
        ("total", "648.01"),
        ("state", "posted"),
        ("open", "1.00"),
        ("number", "INV-2"),
        ("payments", []),
    ):
        (apart,) = papers([the_hub_s_invoice()], [the_erp_s_invoice(**{name: other})])
        assert name in apart.differing
        assert not the_result(the_books(), papers=[apart]).ties_out


def test_an_invoice_that_one_of_them_does_not_have_differs_in_everything() -> None:
    (theirs,) = papers([], [the_erp_s_invoice()])
    (ours,) = papers([the_hub_s_invoice()], [])
    assert theirs.differing == ["number", "state", "date", "net", "tax", "total", "open", "payments"]
    assert set(ours.differing) == set(theirs.differing)


def test_a_draft_is_compared_as_far_as_it_was_read_and_a_credit_note_with_what_it_was_set_off_against() -> None:
    draft = the_hub_s_invoice(state="draft", number="", tax=None, total=None, open_amount=None, payments=[])
    (one,) = papers([draft], [the_erp_s_invoice(state="draft", number="", payments=[])])
    assert one.differing == []
    amounts = {"net": Decimal(-10), "tax": Decimal(0), "total": Decimal(-10)}
    note = the_hub_s_invoice(**amounts, payments=[{"id": "set-off", "date": "2026-11-03", "amount": Decimal(-10)}])
    told = the_erp_s_invoice(**{name: str(each) for name, each in amounts.items()}, payments=[])
    (credit,) = papers([note], [told])
    assert (credit.kind, credit.differing) == ("credit note", [])


def test_the_end_tells_each_case_and_whom_it_waits_for() -> None:
    cases = {**HAPPENED, "a partial credit, billed again": [], "a cap that splits an entry": []}
    result = replace(
        the_result(the_books(), happened=cases), holds=[{"id": 7, "code": "billing.credited", "state": "open"}]
    )
    said = StringIO()
    _month(result, Voice(said))
    assert [each[:3].strip() for each in said.getvalue().splitlines()[1:4]] == ["✓", "○", "✗"]
    assert "a milestone: done; invoice 1" in said.getvalue()
    assert "it waits for finance, H-7" in said.getvalue()


def test_a_visitor_is_told_how_tieout_is_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert called(tmp_path / ".tieout" / "demo") == ".venv/bin/tieout"
    assert called(tmp_path / "elsewhere" / "demo") == "TIEOUT_HOME=elsewhere .venv/bin/tieout"
    (tmp_path / "tieout").touch(0o755)
    assert called(tmp_path / ".tieout" / "demo") == "tieout"
