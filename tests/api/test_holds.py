"""Holds over the wire: gathered by cause, talked about, settled, overridden, routed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tieout.domain.problems import CATALOGUE, Problem, facts_of
from tieout.store.database import rows

pytestmark = pytest.mark.anyio
NO_DEPARTMENT = {"table": "practice_department", "value": "People & Change", "purpose": "department"}


async def two_hundred(site: Any) -> None:
    """Two hundred deals wait for one value in the US, one for the same value in Germany."""
    for number in range(200):
        problem = Problem("value.missing", {**NO_DEPARTMENT, "entity": "US"})
        await site.books.held(f"006{number:03}", [problem], amount="10.00")
    await site.books.held("006DE", [Problem("value.missing", {**NO_DEPARTMENT, "entity": "DE"})], entity="DE")


async def test_one_missing_value_is_one_row_however_many_deals_wait_for_it(site: Any) -> None:
    await two_hundred(site)
    page = (await site.ask("viewer", "GET", "/api/v1/holds/causes")).json()
    us, de = sorted(page["items"], key=lambda each: -each["holds"])
    assert (us["holds"], us["documents"], us["amounts"]) == (200, 200, [{"amount": "2000.00", "currency": "USD"}])
    assert us["what"] == "practice_department knows no value for “People & Change” in US."
    assert (de["holds"], de["amounts"]) == (1, [{"amount": "100.00", "currency": "EUR"}])
    assert page["items"][0] == us, "more money waits for it"
    only = (await site.ask("viewer", "GET", "/api/v1/holds/causes?entity=DE")).json()["items"]
    assert [each["cause"] for each in only] == [de["cause"]]


async def test_one_verb_serves_every_hold_of_a_cause(site: Any) -> None:
    await two_hundred(site)
    (us,) = (await site.ask("viewer", "GET", "/api/v1/holds/causes?entity=US")).json()["items"]
    where = f"/api/v1/holds/causes/{us['cause']}"
    given = await site.ask("operator", "POST", f"{where}/assign", json={"assignee": "anna@kestrel.example"})
    assert given.json() == {"done": 200, "refusals": []}
    asleep = await site.ask("operator", "POST", f"{where}/snooze", json={"until_changed": True})
    assert asleep.json()["done"] == 200
    assert (await site.ask("viewer", "GET", "/api/v1/holds/causes?entity=US")).json()["items"] == []
    ignored = await site.ask("operator", "POST", f"{where}/ignore", json={"reason": "a test"})
    assert ignored.json()["done"] == 200
    again = await site.ask("operator", "POST", f"{where}/ignore", json={"reason": "a test"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:tieout:problem:refused")


@pytest.mark.parametrize("code", CATALOGUE)
async def test_every_problem_is_told_in_six_answers_with_the_systems_own_words(site: Any, code: str) -> None:
    facts = {name: f"({name})" for name in facts_of(CATALOGUE[code])}
    await site.books.held("006A", [Problem(code, facts, quote="ORA-00001: no")])
    (listed,) = (await site.ask("viewer", "GET", "/api/v1/holds")).json()["items"]
    told = (await site.ask("viewer", "GET", f"/api/v1/holds/{listed['id']}")).json()
    for answer in ("what", "why", "owner", "fix", "where", "due_at"):
        assert told[answer], answer
        assert "{" not in told[answer]
    assert told["quote"] == "ORA-00001: no"


async def test_an_outcome_that_nobody_knows_is_settled_by_who_looked(site: Any) -> None:
    facts = {"system": "erp-us", "action": "post", "subject": "BILL-1", "link": ""}
    run = await site.books.held("006A", [Problem("target.unknown", facts)])
    async with site.books.database.transaction() as tx:
        await tx.execute(
            """
            insert into effect (key, connection, operation, guarantee, subject, version, run_id, request, state, planned_at, sent_at)
            values ('k', 'erp-us', 'bill.post', 'E', 'BILL-1', '1', %s, 'x', 'unknown', now(), now())
            """,
            (run,),
        )
    (hold,) = (await site.ask("viewer", "GET", "/api/v1/holds")).json()["items"]
    where = f"/api/v1/holds/{hold['id']}/settle"
    nothing = await site.ask("operator", "POST", where, json={"there": True})
    assert (nothing.status_code, "which record" in nothing.text) == (409, True)
    done = await site.ask("operator", "POST", where, json={"there": True, "record": "B-1", "reason": "seen it"})
    assert done.json() == {"runs": [run], "plan": None}
    async with site.books.database.transaction() as tx:
        (effect,) = await rows(tx, "select answered from effect")
    assert (effect["answered"]["there"], effect["answered"]["record"]) == (True, "B-1")


async def test_a_question_has_an_address_and_its_answer_is_in_the_story(site: Any) -> None:
    vanished = Problem("invoice.vanished", {"invoice": "INV-1", "amount": "1 USD", "link": ""})
    await site.books.held("006A", [vanished])
    (hold,) = (await site.ask("viewer", "GET", "/api/v1/holds")).json()["items"]
    where = f"/api/v1/holds/{hold['id']}"
    assert (await site.ask("engineer", "POST", f"{where}/comment", json={"text": "a\nb @lee"})).status_code == 200
    ask = {"of": "viewer@kestrel.example", "question": "Is it off?"}
    asked = (await site.ask("operator", "POST", f"{where}/ask", json=ask)).json()
    number = asked["id"]
    assert asked["address"] == f"/questions/{number}"
    question = (await site.ask("viewer", "GET", f"/api/v1/questions/{number}")).json()
    assert (question["hold"], question["asked_of"], question["answered_at"]) == (hold["id"], ask["of"], None)
    answer = f"/api/v1/questions/{number}/answer"
    deciding = await site.ask("viewer", "POST", answer, json={"text": "yes", "choice": "release"})
    assert (deciding.status_code, deciding.json()["type"]) == (403, "urn:tieout:problem:no-right")
    assert (await site.ask("operator", "POST", answer, json={"text": "yes"})).status_code == 409
    assert (await site.ask("viewer", "POST", answer, json={"text": "yes"})).json() == {"runs": [], "plan": None}
    told = (await site.ask("viewer", "GET", where)).json()["events"]
    assert [(each["kind"], each["what"]) for each in told[1:]] == [
        ("comment", "a\nb @lee"), ("question", "asked viewer@kestrel.example: Is it off?"), ("answer", "yes"),
    ]  # fmt: skip
    assert (await site.ask("viewer", "GET", "/api/v1/questions/Q-1")).status_code == 404


async def test_a_field_is_set_listed_and_withdrawn(site: Any) -> None:
    deal = await site.books.deal(1)
    wanted = {"kind": "engagement", "key": deal.engagement, "field": "practice", "value": "Cloud", "reason": "typo"}
    made = (await site.ask("operator", "POST", "/api/v1/overrides", json=wanted)).json()
    assert (made["waiting"], made["runs"]) == (False, [])
    money = await site.ask("operator", "POST", "/api/v1/overrides", json={**wanted, "field": "amount", "value": "1"})
    assert (money.status_code, "takes the role finance" in money.text) == (409, True)
    paid = await site.ask("finance", "POST", "/api/v1/overrides", json={**wanted, "field": "amount", "value": "1"})
    assert paid.status_code == 200
    listed = (await site.ask("viewer", "GET", f"/api/v1/overrides?key={deal.engagement}")).json()["items"]
    assert [(each["field"], each["value"], each["author"]) for each in listed] == [
        ("amount", "1", "finance@kestrel.example"), ("practice", "Cloud", "operator@kestrel.example"),
    ]  # fmt: skip
    own = await site.ask("finance", "POST", f"/api/v1/overrides/{made['id']}/approve")
    assert own.status_code == 409
    gone = await site.ask("operator", "POST", f"/api/v1/overrides/{made['id']}/withdraw", json={"reason": "corrected"})
    assert gone.status_code == 200
    left = (await site.ask("viewer", "GET", "/api/v1/overrides")).json()["items"]
    assert [each["field"] for each in left] == ["amount"]
    everything = (await site.ask("viewer", "GET", "/api/v1/overrides?withdrawn=true")).json()["items"]
    assert everything[1]["withdrawn_why"] == "corrected"


async def test_rules_are_tried_on_past_holds_and_change_nothing(site: Any) -> None:
    await site.books.held("006A", [Problem("package.unknown", {"package": "X", "deal": "D", "link": ""})])
    rules = {"teams": {"desk": {"lead": "lee@k.example"}}, "rules": [{"problem": "package.*", "team": "desk"}]}
    tried = (await site.ask("viewer", "POST", "/api/v1/holds/routes/try?days=30", json=rules)).json()
    assert (tried["holds"], tried["share"], tried["differently"], tried["teams"]) == (1, 100, 1, {"desk": 1})
    now = (await site.ask("viewer", "GET", "/api/v1/holds/routes")).json()
    assert (now["share"], now["unrouted"]) == (0, {"package.unknown": 1})
    wrong = await site.ask("viewer", "POST", "/api/v1/holds/routes/try", json={"rules": [{"team": "dsk"}]})
    assert wrong.status_code == 422
    assert wrong.json()["errors"] == [
        {"where": "body.rules[0].team", "what": "there is no team “dsk”.", "fix": "Describe it under holds: teams."}
    ]


async def test_what_is_overdue_is_asked_for_by_itself(site: Any) -> None:
    await site.books.held("006A", [Problem("package.unknown", {"package": "X", "deal": "D", "link": ""})])
    assert (await site.ask("viewer", "GET", "/api/v1/holds?overdue=true")).json()["items"] == []
    site.books.moment += timedelta(days=2)
    (late,) = (await site.ask("viewer", "GET", "/api/v1/holds?overdue=true")).json()["items"]
    assert late["code"] == "package.unknown"


async def test_an_answer_that_moves_money_takes_the_role_finance_and_a_reason(site: Any) -> None:
    await site.books.held(
        "006A", [Problem("billing.negative", {"project": "Data", "amount": "-340.00 USD", "link": ""})]
    )
    (hold,) = (await site.ask("viewer", "GET", "/api/v1/holds")).json()["items"]
    path = f"/api/v1/holds/{hold['id']}/decide"
    answer = {"choice": "credit_note", "reason": "the hours were wrong"}
    refused = await site.ask("operator", "POST", path, json=answer)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:tieout:problem:no-right")
    assert (await site.ask("finance", "POST", path, json={"choice": "credit_note"})).status_code == 409
    assert (await site.ask("finance", "POST", path, json=answer)).status_code == 200
