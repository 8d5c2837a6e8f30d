"""The command line for what waits: causes, talk, routes, overrides, and what nobody knows."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Tieout

from tieout.cli.exits import Exit
from tieout.cli.one_hold import shown
from tieout.domain.problems import CATALOGUE, Problem, facts_of
from tieout.store import holds
from tieout.testing.books import Books
from tieout.testing.database import opened

MISSING = Problem(
    "value.missing",
    {"table": "practice_department", "value": "People & Change", "entity": "US", "purpose": "department"},
)
UNKNOWN = Problem("target.unknown", {"system": "erp-us", "action": "post", "subject": "BILL-1", "link": ""})


@pytest.fixture
def told(on_database: Tieout, database_url: str, kestrel: Path) -> tuple[Tieout, str]:
    """Kestrel with three deals that wait for one value and one whose outcome nobody knows; the engagement of a fourth."""

    async def waits() -> str:
        async with opened(database_url) as database:
            books = Books(database)
            deal = await books.deal(1)
            for number in range(3):
                await books.held(f"006{number}", [MISSING], amount="10.00")
            run = await books.held("006U", [UNKNOWN], amount="5.00")
            async with database.transaction() as tx:
                await tx.execute(
                    """
                    insert into effect (key, connection, operation, guarantee, subject, version, run_id, request, state,
                                        planned_at, sent_at)
                    values ('k', 'erp-us', 'bill.post', 'E', 'BILL-1', '1', %s, 'x', 'unknown', now(), now())
                    """,
                    (run,),
                )
            return deal.engagement

    assert on_database("apply", str(kestrel)).code == Exit.OK
    return on_database, asyncio.run(waits())


def hold_of(tieout: Tieout, code: str) -> str:
    return next(each["hold"] for each in tieout("holds", "list", "--json").document if each["code"] == code)


def test_what_waits_for_one_value_is_one_line(told: tuple[Tieout, str]) -> None:
    tieout, _ = told
    found = {each["code"]: each for each in tieout("holds", "causes", "--json").document}
    missing = found["value.missing"]
    assert (missing["holds"], missing["amounts"]) == (3, [{"amount": "30.00", "currency": "USD"}])
    assert missing["team"] == "finance-us"
    assert "30.00 USD" in tieout("holds", "causes").out


def test_a_hold_says_whose_it_is_and_who_said_so(told: tuple[Tieout, str]) -> None:
    tieout, _ = told
    hold = hold_of(tieout, "value.missing")
    assert "team:  finance-us" in tieout("holds", "show", hold).out
    assert re.search(r"^  due:   \d{4}-\d\d-\d\d \d\d:\d\d$", tieout("holds", "show", hold).out, re.MULTILINE)
    tieout("holds", "assign", hold, "lee", "--as", "anna")
    assert "with:  lee, by hand by anna: no rule takes it away" in tieout("holds", "show", hold).out
    assert tieout("holds", "snooze", hold, "--until-changed").out == f"{hold} sleeps until its source changes.\n"


def test_what_nobody_knows_is_said_by_who_looked(told: tuple[Tieout, str]) -> None:
    tieout, _ = told
    hold = hold_of(tieout, "target.unknown")
    for words in ((), ("--there", "B-1", "--not-there")):
        assert tieout("holds", "settle", hold, *words).code == Exit.USAGE
    done = tieout("holds", "settle", hold, "--there", "B-1", "--reason", "seen it", "--as", "anna", "--json")
    assert len(done.document["runs"]) == 1
    assert "anna: it is there: B-1: seen it" in tieout("holds", "show", hold).out
    assert tieout("holds", "settle", hold, "--not-there").code == Exit.PROBLEM
    assert tieout("holds", "settle", hold_of(tieout, "value.missing"), "--not-there").code == Exit.PROBLEM


def test_people_talk_about_a_hold(told: tuple[Tieout, str]) -> None:
    tieout, _ = told
    hold = hold_of(tieout, "value.missing")
    assert tieout("holds", "comment", hold, "Seen by @lee", "--as", "anna").code == Exit.OK
    asked = tieout("holds", "ask", hold, "lee@k.example", "Which department?", "--as", "anna", "--json").document
    assert asked["address"] == f"/questions/{asked['question']}"
    story = tieout("holds", "show", hold).out
    assert "anna: Seen by @lee" in story
    assert "anna: asked lee@k.example: Which department?" in story


def test_rules_are_shown_and_others_tried(told: tuple[Tieout, str], kestrel: Path) -> None:
    tieout, _ = told
    now = tieout("holds", "routes", "--json").document
    assert (now["tried"], now["share"], now["holds"], now["differently"]) == (False, 100, 4, 0)
    main = kestrel / "tieout.yaml"
    main.write_text(
        main.read_text().replace("{ name: finance, team: finance-us }", "{ name: finance, team: partners }")
    )
    tried = tieout("holds", "routes", "--try", str(kestrel), "--json").document
    assert (tried["tried"], tried["differently"], tried["teams"]) == (True, 4, {"partners": 4})
    said = tieout("holds", "routes", "--try", str(kestrel)).out
    assert "would route 100 % of the 4 holds of the last 90 days." in said
    assert "Differently from where they are now: 4." in said
    main.write_text(main.read_text().replace("team: partners }", "team: partner }"))
    wrong = tieout("holds", "routes", "--try", str(kestrel))
    assert (wrong.code, "Did you mean “partners”?" in wrong.err) == (Exit.CONFIGURATION, True)


def test_a_field_is_set_listed_and_withdrawn(told: tuple[Tieout, str]) -> None:
    tieout, engagement = told
    assert tieout("overrides", "list").out == "No field is overridden.\n"
    made = tieout("overrides", "set", engagement, "end", "2027-04-30", "--reason", "agreed", "--as", "anna", "--json")
    number = made.document["override"]
    (row,) = tieout("overrides", "list", "--json").document
    assert (row["field"], row["value"], row["author"], row["state"]) == ("end", "2027-04-30", "anna", "in force")
    assert tieout("overrides", "approve", number).code == Exit.PROBLEM
    assert tieout("overrides", "set", engagement, "end", "soon", "--reason", "x").code == Exit.PROBLEM
    assert tieout("overrides", "withdraw", number, "--reason", "wrong").code == Exit.OK
    assert tieout("overrides", "withdraw", "tomorrow", "--reason", "x").code == Exit.USAGE
    assert "withdrawn" in tieout("overrides", "list", "--withdrawn").out


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_problem_of_the_catalogue_is_told_in_six_answers(database_url: str, code: str) -> None:
    async def stored() -> dict[str, Any]:
        async with opened(database_url) as database:
            books = Books(database)
            await books.open()
            facts = {name: f"({name})" for name in facts_of(CATALOGUE[code])}
            await books.held("006A", [Problem(code, facts, quote="ORA-00001: no")])
            async with database.transaction() as tx:
                (hold,) = await holds.listed(tx)
                return hold

    told = shown(asyncio.run(stored()))
    for answer in ("what", "why", "owner", "fix", "where", "due_at", "quote"):
        assert told[answer], answer
        assert "{" not in str(told[answer])
