"""Looking things up and answering what waits, from the command line."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.cli.conftest import Said, Tieout

from tieout.cli.exits import Exit
from tieout.domain.problems import Problem
from tieout.testing.books import Books, Deal
from tieout.testing.database import opened

MISSING = {
    "table": "practice_department",
    "value": "People & Change",
    "entity": "DE",
    "purpose": "department",
    "deal": "Change Sprint",
}
VANISHED = {"invoice": "INV-1", "amount": "10.00 USD", "link": ""}


@pytest.fixture
def told(on_database: Tieout, database_url: str, kestrel: Path) -> tuple[Tieout, Deal]:
    """Kestrel in force; a deal with time, an invoice that was paid in part, two holds and an approval."""

    async def sold() -> Deal:
        async with opened(database_url) as database:
            books = Books(database)
            await books.open()
            deal = await books.deal(1)
            await books.time(deal, [("t1", 1, 90), ("t2", 2, 60)])
            await books.posted(deal, await books.proposal(deal), "2026-0001", paid="100.00")
            return deal

    async def waits(deal: Deal) -> None:
        async with opened(database_url) as database:
            books = Books(database)
            await books.held("006A", [Problem("value.missing", MISSING)], amount="17800.00", entity="DE")
            await books.held("006B", [Problem("invoice.vanished", VANISHED)])
            await books.approval(deal, ["Amount above 250,000.00 USD"], requested_by="margaret.osei@kestrel.example")

    deal = asyncio.run(sold())
    assert on_database("apply", str(kestrel)).code == Exit.OK
    asyncio.run(waits(deal))
    return on_database, deal


def hold_of(tieout: Tieout, code: str) -> str:
    (found,) = [each for each in tieout("holds", "list", "--json").document if each["code"] == code]
    return found["hold"]


def test_an_id_of_any_system_leads_to_its_document(told: tuple[Tieout, Deal]) -> None:
    tieout, deal = told
    said = tieout("lookup", deal.opportunity, "--json")
    assert said.code == Exit.OK
    first = said.document[0]
    assert (first["kind"], first["key"]) == ("engagement", deal.engagement)
    assert {"system": "salesforce", "role": "crm", "id": deal.opportunity, "alias": False} in first["records"]
    assert first["invoices"] == ["2026-0001"]
    assert deal.engagement in tieout("lookup", deal.opportunity).out
    nothing = tieout("lookup", "no-such-thing-anywhere")
    assert nothing.code == Exit.PROBLEM
    assert "no-such-thing-anywhere" in nothing.err


def test_the_lineage_of_an_invoice_adds_up_in_strings(told: tuple[Tieout, Deal]) -> None:
    tieout, deal = told
    said = tieout("lineage", "2026-0001", "--json")
    assert said.code == Exit.OK
    (invoice,) = said.document["invoices"]
    assert invoice["verdict"] == "ties out"
    assert invoice["deal"] == deal.opportunity
    assert sum(Decimal(each["amount"]) for each in invoice["lines"]) == Decimal(invoice["net"])
    evidence = [one for each in invoice["lines"] for one in each["evidence"]]
    assert {each["id"] for each in evidence} == {"t1", "t2"}
    assert all(isinstance(each["amount"], str) and each["rate_card_version"] == 1 for each in evidence)
    assert "ties out" in tieout("lineage", "2026-0001").out


def test_any_id_leads_to_the_lineage_of_its_invoices_and_hours(told: tuple[Tieout, Deal]) -> None:
    tieout, deal = told
    by_deal = tieout("lineage", deal.opportunity, "--json").document
    assert [each["invoice"] for each in by_deal["invoices"]] == ["2026-0001"]
    by_entry = tieout("lineage", "kantata/t1", "--json").document
    assert by_entry["time_entries"][0]["billed_minutes"] == 90
    assert "billed: 90 min" in tieout("lineage", "kantata/t1").out
    assert tieout("lineage", "no-such-thing").code == Exit.PROBLEM


def test_a_hold_says_what_why_who_and_how(told: tuple[Tieout, Deal]) -> None:
    tieout, _ = told
    hold = hold_of(tieout, "value.missing")
    said = tieout("holds", "show", hold)
    assert "practice_department knows no value for “People & Change” in DE." in said.out
    assert "finance master data" in said.out
    assert tieout("holds", "show", hold, "--json").document["amount"] == "17800.00"
    assert "17800.00 EUR" in tieout("holds", "list").out
    assert tieout("holds", "show", "H-1").code == Exit.PROBLEM
    assert tieout("holds", "show", "tomorrow").code == Exit.USAGE


def test_a_value_lets_go_on_what_waited_for_it(told: tuple[Tieout, Deal]) -> None:
    tieout, _ = told
    said = tieout("values", "set", "practice_department", "People & Change", "440", "--as", "anna", "--json")
    assert said.code == Exit.OK
    assert len(said.document["runs"]) == 1
    rows = tieout("values", "list", "practice_department", "--json").document
    assert ("People & Change", "440", "anna") in {(each["key"], each["value"], each["author"]) for each in rows}
    unknown = tieout("values", "set", "practise_department", "x", "1")
    assert unknown.code == Exit.PROBLEM
    assert "practice_department" in unknown.err
    assert tieout("values", "set", "practice_department", "x", "1", "--entity", "FR").code == Exit.PROBLEM


def test_a_question_is_answered_with_one_of_its_answers(told: tuple[Tieout, Deal]) -> None:
    tieout, _ = told
    hold = hold_of(tieout, "invoice.vanished")
    answers = [each["choice"] for each in tieout("holds", "show", hold, "--json").document["answers"]]
    assert "release" in answers
    wrong = tieout("holds", "decide", hold, "perhaps")
    assert wrong.code == Exit.PROBLEM
    assert ", ".join(answers) in wrong.err
    assert len(tieout("holds", "decide", hold, "release", "--json").document["runs"]) == 1
    no_question = tieout("holds", "decide", hold_of(tieout, "value.missing"), "release")
    assert no_question.code == Exit.PROBLEM
    assert "asks no question" in no_question.err


def test_holds_are_assigned_snoozed_and_ignored(told: tuple[Tieout, Deal]) -> None:
    tieout, _ = told
    hold = hold_of(tieout, "value.missing")
    assert tieout("holds", "assign", hold, "anna", "--json").document == {"hold": hold, "assignee": "anna"}
    assert tieout("holds", "snooze", hold, "--days", "3").code == Exit.OK
    assert tieout("holds", "snooze", hold, "--days", "365").code == Exit.PROBLEM
    assert tieout("holds", "ignore", hold, "--reason", "a test record", "--as", "anna").code == Exit.OK
    resolved = tieout("holds", "list", "--resolved", "--json").document
    assert [(each["hold"], each["resolved_by"], each["resolution"]) for each in resolved] == [
        (hold, "anna", "ignored: a test record")
    ]
    again = tieout("holds", "ignore", hold, "--reason", "once more")
    assert again.code == Exit.PROBLEM
    assert "resolved before" in again.err


def test_somebody_answers_in_anothers_place_for_some_days(told: tuple[Tieout, Deal]) -> None:
    tieout, _ = told
    anna, david, (asked,) = (
        "anna@kestrel.example",
        "david@kestrel.example",
        tieout("approvals", "list", "--json").document,
    )
    days = (f"{date.today()}", f"{date.today() + timedelta(days=3)}")  # noqa: DTZ011 - the command's own clock
    early = tieout("approvals", "delegate", david, *days, "--reason", "holidays", "--as", anna)
    assert (early.code, "has no right to lend" in early.err) == (Exit.PROBLEM, True)
    assert tieout("token", "issue", "Anna", anna, "--role", "finance").code == Exit.OK
    number = tieout("approvals", "delegate", david, *days, "--reason", "holidays", "--as", anna, "--json").document
    assert david in tieout("approvals", "delegations").out
    (listed,) = tieout("approvals", "delegations", "--json").document
    assert (listed["id"], listed["owner"], listed["delegate"]) == (number["delegation"], anna, david)
    stranger = tieout("approvals", "approve", asked["approval"], "--as", "klaus@kestrel.example", "--for", anna)
    assert (stranger.code, "has not named you" in stranger.err) == (Exit.PROBLEM, True)
    assert tieout("approvals", "approve", asked["approval"], "--as", david, "--for", anna).code == Exit.OK
    assert tieout("approvals", "take-back", number["delegation"], "--as", anna).out == f"{listed['id']} is over.\n"
    assert tieout("approvals", "delegations").out == "Nobody answers in another's place.\n"


def test_nobody_approves_what_they_asked_for(told: tuple[Tieout, Deal]) -> None:
    tieout, _ = told
    (asked,) = tieout("approvals", "list", "--json").document
    assert (asked["answer_by"], asked["goes_to"], asked["escalated_to"]) == (None, "", []), "it is of no gate"
    assert "goes on" in tieout("approvals", "list").out
    own = tieout("approvals", "approve", asked["approval"], "--as", "margaret.osei@kestrel.example")
    assert own.code == Exit.PROBLEM
    done = tieout("approvals", "approve", asked["approval"], "--as", "anna.fischer@kestrel.example", "--json")
    assert done.document["state"] == "approved"
    assert tieout("approvals", "list").out == "Nothing waits for an approval.\n"
    assert tieout("approvals", "reject", asked["approval"], "--reason", "too late").code == Exit.PROBLEM


def test_a_token_is_shown_once_and_ends_when_it_is_revoked(told: tuple[Tieout, Deal]) -> None:
    tieout, _ = told
    issued = tieout("token", "issue", "Anna Fischer", "anna@kestrel.example", "--role", "finance", "--json").document
    listed = tieout("token", "list", "--json")
    assert issued["token"].startswith("tieout_")
    assert issued["token"] not in listed.out
    (token,) = listed.document
    assert tieout("token", "revoke", str(token["id"])).code == Exit.OK
    assert tieout("token", "revoke", str(token["id"])).code == Exit.PROBLEM
    assert "revoked by" in tieout("token", "list").out
    assert tieout("token", "issue", "Anna", "anna@kestrel.example", "--role", "king").code == Exit.PROBLEM


def test_status_ends_with_one_when_a_figure_does_not_tie_out(told: tuple[Tieout, Deal], database_url: str) -> None:
    import psycopg

    tieout, _ = told
    fine: Said = tieout("status", "--json")
    assert fine.code == Exit.OK
    us = next(each for each in fine.document["totals"] if each["entity"] == "US")
    assert us["paid"] == "100.00"
    with psycopg.connect(database_url, options="-c search_path=tieout") as connection:
        connection.execute("update invoice_line set amount = amount + 0.01")
    broken = tieout("status", "--json")
    assert broken.code == Exit.PROBLEM
    assert broken.document["ties_out"] is False
    assert "do not tie out" in tieout("status").out


def test_the_forecast_tells_every_system_and_that_nothing_is_known_yet(told: tuple[Tieout, Deal]) -> None:
    tieout, _ = told
    said = tieout("forecast", "--json").document
    assert [each["connection"] for each in said] == ["erp-de", "erp-us", "kantata", "salesforce"]
    assert {(each["speed"], each["accepted"], each["ends"]) for each in said} == {(None, 0, None)}
    people = tieout("forecast")
    assert people.code == Exit.OK
    assert "not known yet" in people.out
