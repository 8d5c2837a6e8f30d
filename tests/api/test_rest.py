"""What machines ask and are told: books, holds, approvals, runs, documents, lineage, tables, connections, audit."""

from __future__ import annotations

from typing import Any

import pytest

from tieout.domain.evidence.checking import check
from tieout.domain.problems import Problem
from tieout.store.database import row

pytestmark = pytest.mark.anyio
UNKNOWN_PACKAGE = Problem("package.unknown", {"package": "X", "deal": "Globex", "link": "https://crm.example/1"})
NO_DEPARTMENT = Problem(
    "value.missing",
    {"table": "practice_department", "value": "People & Change", "entity": "US", "purpose": "department"},
)


async def billed(site: Any) -> Any:
    deal = await site.books.deal(1)
    await site.books.time(deal, [("T1", 1, 450), ("T2", 2, 50)])
    await site.books.posted(deal, await site.books.proposal(deal), "2026/0001", paid="100.00")
    return deal


async def a_hold(site: Any, record: str = "006A", problem: Problem = UNKNOWN_PACKAGE) -> str:
    await site.books.held(record, [problem])
    page = (await site.ask("viewer", "GET", "/api/v1/holds?limit=500")).json()
    return page["items"][-1]["id"]


async def test_the_books_tie_out_over_the_wire(site: Any) -> None:
    await billed(site)
    law = (await site.ask("viewer", "GET", "/api/v1/conservation")).json()
    assert law["holds"] is True
    (line,) = law["rows"]
    assert (line["connection"], line["received"], line["done"], line["missing"]) == ("erp-us", 1, 1, 0)
    assert line["value"]["missing"] == {"amount": "0.00", "currency": "USD"}
    figures = (await site.ask("viewer", "GET", "/api/v1/figures")).json()
    assert figures["ties_out"] is True
    (us,) = figures["totals"]
    assert us["billed_net"] == {"amount": "2695.46", "currency": "USD"}
    assert {each["amount"] for each in figures["differences"]} == {"0"}
    status = (await site.ask("viewer", "GET", "/api/v1/status")).json()
    assert status["holds_open"] == 0


async def test_a_hold_gives_its_six_answers_and_its_story(site: Any) -> None:
    name = await a_hold(site)
    found = await site.ask("viewer", "GET", f"/api/v1/holds/{name}")
    body = found.json()
    assert body["what"] == "The deal “Globex” sells the service package X, which the firm folder does not have."
    assert body["why"]
    assert body["owner"] == "delivery operations"
    assert body["fix"].startswith("Add packages/X.yaml")
    assert body["where"] == "https://crm.example/1"
    assert body["amount"] == {"amount": "100.00", "currency": "USD"}
    assert body["due_at"] > body["opened_at"]
    assert [each["actor"] for each in body["events"]] == ["tieout"]


async def test_a_resource_that_has_not_changed_is_not_sent_again(site: Any) -> None:
    name = await a_hold(site)
    first = await site.ask("viewer", "GET", f"/api/v1/holds/{name}")
    same = await site.ask("viewer", "GET", f"/api/v1/holds/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    await site.ask("operator", "POST", f"/api/v1/holds/{name}/assign", json={"assignee": "Anna"})
    changed = await site.ask("viewer", "GET", f"/api/v1/holds/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.json()["assignee"] == "Anna"


async def test_every_hold_is_on_one_page_and_one_only_while_holds_come_and_go(site: Any) -> None:
    names = [await a_hold(site, f"006{n}") for n in range(7)]
    seen: list[str] = []
    cursor = ""
    async with site.client("operator") as client:
        while True:
            page = (await client.get("/api/v1/holds", params={"limit": 2, "cursor": cursor})).json()
            seen += [each["id"] for each in page["items"]]
            if len(seen) == 2:  # one that was seen goes, a new one comes
                await client.post(f"/api/v1/holds/{seen[0]}/ignore", json={"reason": "a test deal"})
                late = await a_hold(site, "006LATE")
            cursor = page["next"]
            if cursor is None:
                break
    assert seen == [*names, late]
    assert (await site.ask("viewer", "GET", "/api/v1/holds?state=resolved")).json()["items"][0]["id"] == names[0]
    assert (await site.ask("viewer", "GET", "/api/v1/holds?entity=DE")).json() == {"items": [], "next": None}


async def test_the_verbs_of_a_hold_do_what_they_say(site: Any) -> None:
    name = await a_hold(site)

    async def act(verb: str, body: dict[str, Any]) -> Any:
        answer = await site.ask("operator", "POST", f"/api/v1/holds/{name}/{verb}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    await act("snooze", {"days": 3})
    await act("assign", {"assignee": "anna@kestrel.example"})
    (run,) = (await act("decide", {"choice": "create", "reason": "they are two"}))["runs"]
    assert (await site.ask("viewer", "GET", f"/api/v1/runs/{run}")).json()["state"] == "queued"
    await act("ignore", {"reason": "a test deal"})
    body = (await site.ask("viewer", "GET", f"/api/v1/holds/{name}")).json()
    assert (body["state"], body["resolution"]) == ("resolved", "ignored: a test deal")
    assert {each["actor"] for each in body["events"]} == {"tieout", "operator@kestrel.example"}
    again = await site.ask("operator", "POST", f"/api/v1/holds/{name}/ignore", json={"reason": "twice"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:tieout:problem:refused")


async def test_a_value_frees_the_holds_that_waited_for_it(site: Any) -> None:
    await a_hold(site, problem=NO_DEPARTMENT)
    added = await site.ask(
        "operator",
        "POST",
        "/api/v1/tables/practice_department/rows",
        json={"key": " people & change ", "value": "440"},
    )
    assert added.status_code == 200, added.text
    assert len(added.json()["runs"]) == 1
    table = await site.ask("viewer", "GET", "/api/v1/tables/practice_department")
    (found,) = table.json()["items"]
    assert (found["key"], found["value"], found["entity"], found["valid_from"], found["author"]) == (
        "people & change", "440", "*", "2026-10-05", "operator@kestrel.example",
    )  # fmt: skip


async def test_a_table_with_four_eyes_waits_for_somebody_else(site: Any) -> None:
    path = "/api/v1/tables/tax_class/rows"
    assert (await site.ask("finance", "POST", path, json={"key": "Consulting", "value": "S"})).json() == {
        "runs": [],
        "plan": None,
    }
    table = (await site.ask("finance", "GET", "/api/v1/tables/tax_class")).json()
    assert (table["rows"], table["waiting"]) == (0, 1)
    number = table["items"][0]["id"]
    own = await site.ask("finance", "POST", f"{path}/{number}/approve")
    assert (own.status_code, own.json()["type"]) == (403, "urn:tieout:problem:own-request")
    site.tokens["other"] = await site.access.issue(
        name="Carlos", email="carlos@kestrel.example", roles=["finance"], actor="setup"
    )
    assert (await site.ask("other", "POST", f"{path}/{number}/approve")).status_code == 200
    assert (await site.ask("other", "POST", f"{path}/{number}/approve")).status_code == 404
    wrong = await site.ask("finance", "POST", path, json={"key": "Consulting", "value": "S", "entity": "FR"})
    assert (wrong.status_code, wrong.json()["errors"][0]["where"]) == (422, "body.entity")
    nowhere = await site.ask("finance", "POST", "/api/v1/tables/nothing/rows", json={"key": "a", "value": "b"})
    assert nowhere.status_code == 404


async def test_nobody_answers_their_own_request_and_a_no_says_why(site: Any) -> None:
    deal = await site.books.deal(1)
    mine = await site.books.approval(deal, ["Net 60"], requested_by="Finance@kestrel.example")
    theirs = await site.books.approval(deal, ["Net 90"], requested_by="margaret.osei@kestrel.example")
    own = await site.ask("finance", "POST", f"/api/v1/approvals/A-{mine}/answer", json={"answer": "approve"})
    assert own.status_code == 403
    bare = await site.ask("finance", "POST", f"/api/v1/approvals/A-{theirs}/answer", json={"answer": "reject"})
    assert bare.status_code == 409
    yes = await site.ask("finance", "POST", f"/api/v1/approvals/A-{theirs}/answer", json={"answer": "approve"})
    assert yes.status_code == 200
    late = await site.ask("finance", "POST", f"/api/v1/approvals/A-{theirs}/answer", json={"answer": "approve"})
    assert late.status_code == 409
    found = (await site.ask("viewer", "GET", f"/api/v1/approvals/A-{theirs}")).json()
    assert (found["state"], found["decided_by"], found["terms"]) == ("approved", "finance@kestrel.example", ["Net 90"])
    still = (await site.ask("viewer", "GET", "/api/v1/approvals")).json()["items"]
    assert [each["id"] for each in still] == [f"A-{mine}"]


async def test_a_run_is_found_by_its_id(site: Any) -> None:
    run = await site.books.held("006Hs00000aBc01IAC", [UNKNOWN_PACKAGE])
    listed = (await site.ask("viewer", "GET", "/api/v1/runs", params={"state": "held"})).json()["items"]
    assert [each["id"] for each in listed] == [run]
    assert (await site.ask("viewer", "GET", f"/api/v1/runs/{run}")).json()["state"] == "held"
    assert (await site.ask("viewer", "GET", "/api/v1/runs/nothing")).status_code == 404


async def test_any_id_leads_to_a_document_with_all_that_hangs_on_it(site: Any) -> None:
    deal = await billed(site)
    hits = (await site.ask("viewer", "GET", f"/api/v1/x/{deal.opportunity[:15]}")).json()["items"]
    assert [(each["kind"], each["key"]) for each in hits] == [("engagement", deal.engagement)]
    page = (await site.ask("viewer", "GET", hits[0]["href"])).json()
    assert page["title"] == "Data Foundation 1"
    assert page["money"][0]["paid"] == {"amount": "100.00", "currency": "USD"}
    assert page["invoices"][0]["open"]["amount"] == "2811.10"
    (invoice,) = (await site.ask("viewer", "GET", "/api/v1/x/2026/0001")).json()["items"]
    assert (await site.ask("viewer", "GET", invoice["href"])).json()["items"][0]["verdict"] == "ties out"
    (entry,) = (await site.ask("viewer", "GET", "/api/v1/x/T1")).json()["items"]
    assert (await site.ask("viewer", "GET", entry["href"])).json()["chapters"][0]["number"] == "2026/0001"
    assert (await site.ask("viewer", "GET", "/api/v1/x/nobody-knows-this")).json() == {"items": []}
    assert (await site.ask("viewer", "GET", "/api/v1/documents/project/PRJ-0")).status_code == 404


async def test_a_contract_tells_its_versions_by_clause_and_what_each_system_shows(site: Any) -> None:
    deal = await site.books.deal(1)
    address = f"/api/v1/contracts/{deal.engagement}"
    signed = (await site.ask("viewer", "GET", address)).json()
    assert (signed["version"], signed["agrees"], len(signed["versions"])) == (1, True, 1)
    assert [(each["role"], each["version"]) for each in signed["shown"]] == [("crm", 1), ("psa", 1), ("erp", 1)]
    await site.books.changed(deal, shown=["kantata"])
    changed = (await site.ask("viewer", "GET", address)).json()
    assert (changed["version"], changed["agrees"]) == (2, False)
    assert {each["connection"]: each["agrees"] for each in changed["shown"]} == {
        "salesforce": False, "kantata": True, "erp-us": False,
    }  # fmt: skip
    newest, first = changed["versions"]
    assert newest["clauses"] == [{"what": "amount", "before": "50,000.00 USD", "after": "52,450.00 USD"}]
    assert (newest["order"], newest["effective_from"], first["clauses"]) == ("CHG-00000001", "2026-10-15", [])
    assert (await site.ask("viewer", "GET", "/api/v1/contracts/ENG-00000000")).status_code == 404


async def test_the_lineage_of_an_invoice_proves_each_line(site: Any) -> None:
    await billed(site)
    (found,) = (await site.ask("viewer", "GET", "/api/v1/lineage/2026/0001")).json()["items"]
    assert [each["verdict"] for each in found["lines"]] == ["ties out", "ties out"]
    line = found["lines"][0]
    assert line["amount"] == line["erp_amount"] == {"amount": "2550.00", "currency": "USD"}
    assert line["difference"]["amount"] == "0.00"
    assert line["evidence"][0]["person_name"] == "Priya Raman"
    (sums,) = (await site.ask("viewer", "GET", "/api/v1/lineage/2026/0001?evidence=false")).json()["items"]
    assert (sums["lines"][0]["entries"], sums["lines"][0]["evidence"]) == (1, [])
    assert (await site.ask("viewer", "GET", "/api/v1/lineage/2026/0002")).status_code == 404
    assert (await site.ask("viewer", "GET", "/api/v1/entries/kantata/T9")).status_code == 404


async def test_a_connection_is_paused_with_a_reason_and_opened_again(site: Any) -> None:
    paused = await site.ask("engineer", "POST", "/api/v1/connections/erp-us/pause", json={"reason": "upgrade"})
    assert paused.status_code == 200
    listed = {each["name"]: each for each in (await site.ask("viewer", "GET", "/api/v1/connections")).json()["items"]}
    assert (listed["erp-us"]["state"], listed["erp-us"]["reason"]) == ("paused", "upgrade")
    assert (await site.ask("engineer", "POST", "/api/v1/connections/erp-us/resume")).status_code == 200
    assert (await site.ask("engineer", "POST", "/api/v1/connections/erp-fr/resume")).status_code == 404


async def test_every_verb_leaves_an_entry_in_a_log_that_verifies(site: Any) -> None:
    await site.ask("engineer", "POST", "/api/v1/connections/erp-us/pause", json={"reason": "upgrade"})
    entries = (await site.ask("finance", "GET", "/api/v1/audit", params={"action": "connection."})).json()["items"]
    assert [(each["actor"], each["object"], each["detail"]) for each in entries] == [
        ("engineer@kestrel.example", "erp-us", {"reason": "upgrade"})
    ]
    verified = (await site.ask("finance", "GET", "/api/v1/audit/verification")).json()
    assert verified["first_bad"] is None
    async with site.books.database.transaction() as tx:
        await tx.execute("update audit set actor = 'somebody else' where id = %s", (entries[0]["id"],))
    verified = (await site.ask("finance", "GET", "/api/v1/audit/verification")).json()
    assert verified["first_bad"] == entries[0]["id"]


async def test_an_access_token_is_shown_once_and_ends_at_once(site: Any) -> None:
    wanted = {"name": "CI", "email": "ci@kestrel.example", "roles": ["viewer"], "days": 7}
    issued = await site.ask("engineer", "POST", "/api/v1/access-tokens", json=wanted)
    assert issued.status_code == 201
    site.tokens["ci"] = issued.json()["token"]
    assert (await site.ask("ci", "GET", "/api/v1/status")).status_code == 200
    listed = (await site.ask("engineer", "GET", "/api/v1/access-tokens")).json()["items"]
    assert site.tokens["ci"] not in str(listed)
    number = next(each["id"] for each in listed if each["email"] == "ci@kestrel.example")
    assert (await site.ask("engineer", "POST", f"/api/v1/access-tokens/{number}/revoke")).status_code == 200
    assert (await site.ask("ci", "GET", "/api/v1/status")).status_code == 401


async def test_the_process_says_whether_it_is_alive_and_ready(site: Any) -> None:
    assert (await site.ask(None, "GET", "/api/v1/live")).json() == {"alive": True}
    assert (await site.ask(None, "GET", "/api/v1/ready")).json() == {"ready": True}
    site.free[0] = 1000
    full = await site.ask(None, "GET", "/api/v1/ready")
    assert (full.status_code, full.json()["detail"]) == (503, "The disk is nearly full.")
    site.free[0] = 10**12
    await site.books.database.close()
    away = await site.ask(None, "GET", "/api/v1/ready")
    assert away.status_code == 503
    assert (await site.ask(None, "GET", "/api/v1/live")).status_code == 200


async def test_what_is_stored_as_the_answer_is_what_was_said(site: Any) -> None:
    name = await a_hold(site)
    key = {"Idempotency-Key": "k1"}
    path = f"/api/v1/holds/{name}/snooze"
    first = await site.ask("operator", "POST", path, json={"days": 3}, headers=key)
    again = await site.ask("operator", "POST", path, json={"days": 3}, headers=key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = await site.ask("operator", "POST", path, json={"days": 4}, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:tieout:problem:key-reused")
    assert (
        await site.ask("engineer", "POST", path, json={"days": 4}, headers=key)
    ).status_code == 200  # a key of their own
    body = (await site.ask("viewer", "GET", f"/api/v1/holds/{name}")).json()
    assert [each["what"] for each in body["events"][1:]] == [
        "snoozed until 2026-11-05 12:02 UTC", "snoozed until 2026-11-06 12:02 UTC",
    ]  # fmt: skip


async def test_a_refusal_is_remembered_under_its_key_too(site: Any) -> None:
    key = {"Idempotency-Key": "k2"}
    gone = await site.ask("operator", "POST", "/api/v1/holds/H-1/snooze", json={"days": 1}, headers=key)
    again = await site.ask("operator", "POST", "/api/v1/holds/H-1/snooze", json={"days": 1}, headers=key)
    assert gone.status_code == again.status_code == 404
    assert again.json() == gone.json()
    assert again.headers["content-type"] == "application/problem+json"


async def test_a_second_request_waits_for_the_first_one_s_answer_but_not_for_ever(site: Any) -> None:
    name = await a_hold(site)
    path, key = f"/api/v1/holds/{name}/snooze", {"Idempotency-Key": "k3"}
    await site.ask("operator", "POST", path, json={"days": 3}, headers=key)
    async with site.books.database.transaction() as tx:  # as if the process had died before it could answer
        await tx.execute("update idempotent_request set status = null, body = null")
    assert (await site.ask("operator", "POST", path, json={"days": 3}, headers=key)).status_code == 409
    site.books._tick()
    site.books._tick()
    assert (await site.ask("operator", "POST", path, json={"days": 3}, headers=key)).status_code == 200
    async with site.books.database.transaction() as tx:
        assert await row(tx, "select status from idempotent_request") == {"status": 200}


async def test_what_proves_an_invoice_comes_as_one_file_less_what_the_reader_may_not_see(site: Any) -> None:
    await billed(site)
    for role, seen in (("viewer", False), ("finance", True)):
        answer = await site.ask(role, "GET", "/api/v1/evidence/2026/0001?line=2")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
        assert check(answer.content).findings == ()
        assert (b"Priya Raman" in answer.content) is seen
    assert (await site.ask("viewer", "GET", "/api/v1/evidence/2026/0009")).status_code == 404
    assert (await site.ask("viewer", "GET", "/api/v1/evidence/2026/0001?line=9")).status_code == 404
