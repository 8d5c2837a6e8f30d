"""Holds open once, close by themselves, come back with their history; approvals are for exactly the terms that were asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.routing import HoldRules
from tieout.store import escalation, firm, holds, routing, together, worklist
from tieout.store.database import Tx, rows
from tieout.store.worklist import Wanted
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
RUN = {
    "id": "R1",
    "flow": "opportunity_to_project",
    "subject": "salesforce/opportunity/006A",
    "entity": "US",
    "engagement": "ENG-1",
}


def package(code: str) -> Problem:
    return Problem("package.unknown", {"package": code, "deal": "Globex", "link": ""})


async def opened(tx: Tx, books: Books, problems: Sequence[Problem]) -> list[dict[str, Any]]:
    await holds.open_holds(tx, RUN, problems, title="Globex", amount=Money.of("12.34", "USD"), now=books._tick())
    return await rows(tx, "select * from hold order by id")


async def test_the_same_problem_again_is_the_same_hold(books: Books) -> None:
    async with books.database.transaction() as tx:
        (first,) = await opened(tx, books, [package("A")])
        (again,) = await opened(tx, books, [package("A")])
        assert (again["id"], again["times"], again["opened_at"]) == (first["id"], 2, first["opened_at"])
        assert (first["amount_minor"], first["currency"], first["owner"]) == (1234, "USD", "delivery operations")
        assert len(await holds.events(tx, first["id"])) == 1


async def test_a_problem_that_is_gone_closes_its_hold_and_leaves_the_others(books: Books) -> None:
    async with books.database.transaction() as tx:
        await opened(tx, books, [package("A"), package("B")])
        a, b = await opened(tx, books, [package("B")])
        assert (a["state"], a["resolved_by"], b["state"]) == ("resolved", "source", "open")
        assert [each["id"] for each in await holds.listed(tx)] == [b["id"]]


async def test_a_cause_that_comes_back_soon_opens_its_old_hold_with_its_story(books: Books) -> None:
    async with books.database.transaction() as tx:
        (first,) = await opened(tx, books, [package("A")])
        await holds.assign(tx, first["id"], "anna", "carlos", books._tick())
        await opened(tx, books, [])
        (again,) = await opened(tx, books, [package("A")])
        assert (again["id"], again["state"], again["reopened"], again["times"]) == (first["id"], "open", 1, 2)
        assert (again["first_opened_at"], again["opened_at"] > first["opened_at"]) == (first["opened_at"], True)
        assert (again["assignee"], again["resolved_at"], again["resolution"]) == ("anna", None, "")
        assert [each["what"] for each in await holds.events(tx, first["id"])] == [
            "opened: The deal “Globex” sells the service package A, which the firm folder does not have.",
            "assigned to anna",
            "resolved: the source was corrected",
            "came back: The deal “Globex” sells the service package A, which the firm folder does not have."
            " It had ended: the source was corrected, by source",
        ]


async def test_a_cause_that_comes_back_after_long_is_a_new_hold(books: Books) -> None:
    async with books.database.transaction() as tx:
        await opened(tx, books, [package("A")])
        await opened(tx, books, [])
        books.moment += timedelta(days=31)
        old, new = await opened(tx, books, [package("A")])
        assert (old["state"], new["state"], new["times"], new["reopened"]) == ("resolved", "open", 1, 0)


async def test_the_firm_says_how_long_a_hold_remembers(books: Books) -> None:
    async with books.database.transaction() as tx:
        await in_force(tx, books, {"reopen_within_days": 0})
        await opened(tx, books, [package("A")])
        await opened(tx, books, [])
        old, new = await opened(tx, books, [package("A")])
        assert (old["state"], new["state"]) == ("resolved", "open")


async def test_a_hold_that_sleeps_until_its_source_changes_wakes_with_the_next_version_and_not_before(
    books: Books,
) -> None:
    async with books.database.transaction() as tx:
        (hold,) = await opened(tx, books, [package("A")])
        until = books.now() + timedelta(days=90)
        await holds.snooze(tx, hold["id"], until, on_change=True, actor="anna", now=books.now())
        (asleep,) = await opened(tx, books, [package("A")])
        assert asleep["snoozed_until"] == until
        newer = {**RUN, "id": f"{RUN['flow']}:{RUN['subject']}:2"}
        await holds.open_holds(tx, newer, [package("A")], title="Globex", amount=None, now=books._tick())
        awake = await holds.get(tx, hold["id"])
        assert awake
        assert (awake["snoozed_until"], awake["wakes_on_change"]) == (None, False)
        assert (await holds.events(tx, hold["id"]))[-1]["what"] == (
            "woke: the source changed, and the problem is still there"
        )


async def test_a_hold_that_sleeps_for_a_time_sleeps_through_a_new_version_and_wakes_by_itself(books: Books) -> None:
    async with books.database.transaction() as tx:
        (hold,) = await opened(tx, books, [package("A")])
        until = books.now() + timedelta(hours=3)
        await holds.snooze(tx, hold["id"], until, on_change=False, actor="anna", now=books.now())
        newer = {**RUN, "id": f"{RUN['flow']}:{RUN['subject']}:2"}
        await holds.open_holds(tx, newer, [package("A")], title="Globex", amount=None, now=books._tick())
        assert await escalation.mind(tx, until - timedelta(seconds=1)) == 0
        assert await escalation.mind(tx, until) == 1
        assert await escalation.mind(tx, until) == 0
        awake = await holds.get(tx, hold["id"])
        assert awake
        assert awake["snoozed_until"] is None


TEAMS = {
    "escalate_every_hours": 12,
    "teams": {
        "delivery": {"members": ["lee@k.example"], "lead": "david@k.example", "escalates_to": "partners"},
        "partners": {"lead": "margaret@k.example"},
    },
    "rules": [{"problem": "package.*", "team": "delivery", "assignee": "lee@k.example"}],
}


async def test_an_overdue_hold_climbs_from_person_to_person_and_never_falls_silent(books: Books) -> None:
    async with books.database.transaction() as tx:
        await in_force(tx, books, TEAMS)
        (hold,) = await opened(tx, books, [package("A")])
        due = hold["due_at"]
        assert await escalation.mind(tx, due - timedelta(seconds=1)) == 0
        told: list[str] = []
        for hours in (0, 1, 12, 24, 36, 480):
            await escalation.mind(tx, due + timedelta(hours=hours))
            stored = await holds.get(tx, hold["id"])
            assert stored
            told.append(stored["escalated_to"])
        assert told == ["david@k.example", "david@k.example", *["margaret@k.example"] * 4]
        assert [each["what"] for each in await holds.events(tx, hold["id"])][2:] == [
            "overdue for 0 h: escalated to david@k.example",
            "overdue for 12 h: escalated to margaret@k.example",
        ]
        wanted = Wanted(me="anna", now=due + timedelta(hours=480), tab="overdue")
        assert [each["id"] for each in await worklist.held(tx, wanted)] == [hold["id"]]


async def test_an_overdue_hold_above_which_nobody_stands_says_so_once(books: Books) -> None:
    async with books.database.transaction() as tx:
        (hold,) = await opened(tx, books, [package("A")])
        for hours in (0, 24, 48):
            await escalation.mind(tx, hold["due_at"] + timedelta(hours=hours))
        assert [each["what"] for each in await holds.events(tx, hold["id"])][1:] == [
            "overdue for 0 h: the firm folder names nobody to escalate it to"
        ]


async def test_a_rule_routes_a_new_hold_and_a_hand_assignment_wins_over_every_later_folder(books: Books) -> None:
    async with books.database.transaction() as tx:
        await in_force(tx, books, TEAMS)
        a, b = await opened(tx, books, [package("A"), package("B")])
        assert {(each["team"], each["assignee"], each["rule"]) for each in (a, b)} == {
            ("delivery", "lee@k.example", "rule 1")
        }
        await holds.assign(tx, a["id"], "anna", "carlos", books._tick())
        await in_force(tx, books, {**TEAMS, "rules": [{"team": "partners", "name": "everything"}]})
        assert await routing.apply(tx, now=books._tick()) == 1
        assert await routing.apply(tx, now=books._tick()) == 0
        a, b = await rows(tx, "select * from hold order by id")
        assert (a["team"], a["assignee"], a["assigned_by"]) == ("delivery", "anna", "carlos")
        assert (b["team"], b["assignee"], b["rule"]) == ("partners", "", "everything")


async def test_rules_are_tried_on_past_holds_before_they_count(books: Books) -> None:
    deal = await books.deal(1, entity="DE")
    async with books.database.transaction() as tx:
        await in_force(tx, books, TEAMS)
        run = {**RUN, "engagement": deal.engagement, "entity": "DE"}
        await holds.open_holds(tx, run, [package("A")], title="A", amount=Money.of(9, "EUR"), now=books._tick())
        missing = Problem("deal.deleted", {"engagement": "ENG-2", "link": ""})
        await holds.open_holds(tx, {**RUN, "subject": "s"}, [missing], title="B", amount=None, now=books._tick())
        by_hand = Problem("deal.deleted", {"engagement": "ENG-3", "link": ""})
        await holds.open_holds(tx, {**RUN, "subject": "t"}, [by_hand], title="C", amount=None, now=books._tick())
        (hold,) = await holds.of_subject(tx, RUN["flow"], "t")
        await holds.assign(tx, hold["id"], "anna", "carlos", books._tick())
        wanted = HoldRules.model_validate(
            {**TEAMS, "rules": [{"problem": "deal.*", "team": "partners"}, *TEAMS["rules"]]}
        )
        tried = await routing.trial(tx, wanted, now=books.now())
        assert (tried.holds, tried.routed, tried.share, tried.by_hand) == (3, 3, 100, 1)
        assert (tried.differently, tried.teams) == (1, {"delivery": 1, "partners": 2})
        now = await routing.trial(tx, HoldRules.model_validate(TEAMS), now=books.now())
        assert (now.routed, now.share, now.differently, now.unrouted) == (1, 33, 0, {"deal.deleted": 2})
        later = await routing.trial(tx, wanted, now=books.now() + timedelta(days=91))
        assert later.holds == 3, "an open hold counts however old it is"


async def in_force(tx: Tx, books: Books, rules: dict[str, Any]) -> None:
    await firm.apply(
        tx, content={"holds": rules, "n": str(books._tick())}, entities=[], connections=[], actor="x", now=books.now()
    )


async def test_an_approval_is_for_exactly_its_terms(books: Books) -> None:
    async def asked(terms: Sequence[str]) -> dict[str, Any]:
        return await holds.request_approval(
            tx, RUN, title="Finance accepts the terms", terms=terms, terms_hash="/".join(terms), amount=None,
            requested_by="margaret@kestrel.example", now=books.now(),
        )  # fmt: skip

    async with books.database.transaction() as tx:
        first = await asked(["Net 60"])
        assert (await asked(["Net 60"]))["id"] == first["id"]
        assert await holds.answer_approval(tx, first["id"], "approved", actor="anna", reason="", now=books.now())
        assert not await holds.answer_approval(
            tx, first["id"], "rejected", actor="carlos", reason="no", now=books.now()
        )
        assert (await asked(["Net 60"]))["state"] == "approved"
        other = await asked(["Net 90"])
        assert (other["id"] != first["id"], other["state"]) == (True, "open")


async def test_the_database_itself_refuses_one_s_own_request(books: Books) -> None:
    deal = await books.deal(1)
    number = await books.approval(deal, ["Net 60"], requested_by="margaret@kestrel.example")
    with pytest.raises(Exception, match="check"):
        async with books.database.transaction() as tx:
            await holds.answer_approval(
                tx, number, "approved", actor="margaret@kestrel.example", reason="", now=books.now()
            )


async def test_the_last_answer_to_a_question_counts(books: Books) -> None:
    async with books.database.transaction() as tx:
        for choice in ("create", "same:17"):
            await holds.decide(tx, "S", "Q", choice, reason="", actor="anna", now=books.now())
        assert await together.decisions(tx, [("S", "Q")]) == ["same:17"]
        assert await together.decisions(tx, [("S", "other")]) == [None]
