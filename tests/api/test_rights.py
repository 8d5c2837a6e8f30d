"""Every route by every role: the table here and the one in domain/access.py are all that decides, and no route is missing."""

from __future__ import annotations

from typing import Any

import pytest

from tieout.domain.access import MAY, ROLES, Verb, who_may
from tieout.domain.identity import Ref, business_key

pytestmark = pytest.mark.anyio

# Method and path as OpenAPI has them → the verb it takes, or None for everybody. A route that is not here fails the suite.
ROUTES: dict[tuple[str, str], Verb | None] = {
    ("GET", "/api/v1/live"): None,
    ("GET", "/api/v1/ready"): None,
    ("POST", "/hooks/{connection}/{token}"): None,
    ("GET", "/api/v1/conservation"): "look",
    ("GET", "/api/v1/figures"): "look",
    ("GET", "/api/v1/status"): "look",
    ("GET", "/api/v1/holds"): "look",
    ("GET", "/api/v1/holds/causes"): "look",
    ("POST", "/api/v1/holds/causes/{cause}/ignore"): "hold.ignore",
    ("POST", "/api/v1/holds/causes/{cause}/assign"): "hold.assign",
    ("POST", "/api/v1/holds/causes/{cause}/snooze"): "hold.snooze",
    ("GET", "/api/v1/holds/routes"): "look",
    ("POST", "/api/v1/holds/routes/try"): "look",
    ("GET", "/api/v1/holds/{hold}"): "look",
    ("POST", "/api/v1/holds/{hold}/ignore"): "hold.ignore",
    ("POST", "/api/v1/holds/{hold}/decide"): "hold.decide",
    ("POST", "/api/v1/holds/{hold}/assign"): "hold.assign",
    ("POST", "/api/v1/holds/{hold}/snooze"): "hold.snooze",
    ("POST", "/api/v1/holds/{hold}/settle"): "hold.decide",
    ("POST", "/api/v1/holds/{hold}/comment"): "hold.comment",
    ("POST", "/api/v1/holds/{hold}/ask"): "hold.comment",
    ("GET", "/api/v1/questions/{question}"): "look",
    ("POST", "/api/v1/questions/{question}/answer"): "question.answer",
    ("GET", "/api/v1/overrides"): "look",
    ("POST", "/api/v1/overrides"): "override.set",
    ("POST", "/api/v1/overrides/{override}/approve"): "override.approve",
    ("POST", "/api/v1/overrides/{override}/withdraw"): "override.set",
    ("GET", "/api/v1/approvals"): "look",
    ("GET", "/api/v1/approvals/{approval}"): "look",
    ("POST", "/api/v1/approvals/{approval}/answer"): "approval.answer",
    ("GET", "/api/v1/delegations"): "look",
    ("POST", "/api/v1/delegations"): "approval.answer",
    ("POST", "/api/v1/delegations/{delegation}/withdraw"): "approval.answer",
    ("POST", "/api/v1/corrections/credits"): "credit.decide",
    ("POST", "/api/v1/corrections/write-offs"): "work.write_off",
    ("GET", "/api/v1/lent"): "cost.match",
    ("POST", "/api/v1/lent/bills"): "cost.match",
    ("GET", "/api/v1/billing-limits"): "look",
    ("GET", "/api/v1/billing-limits/spanning"): "look",
    ("GET", "/api/v1/billing-limits/payers"): "look",
    ("GET", "/api/v1/plans"): "look",
    ("POST", "/api/v1/plans"): "run.replay",
    ("GET", "/api/v1/plans/{plan}"): "look",
    ("GET", "/api/v1/plans/{plan}/items"): "look",
    ("POST", "/api/v1/plans/{plan}/confirm"): "run.replay",
    ("POST", "/api/v1/plans/{plan}/approve"): "plan.approve",
    ("POST", "/api/v1/plans/{plan}/stop"): "run.replay",
    ("POST", "/api/v1/plans/{plan}/discard"): "run.replay",
    ("GET", "/api/v1/runs"): "look",
    ("GET", "/api/v1/runs/{run_id}"): "look",
    ("GET", "/api/v1/effects"): "look",
    ("GET", "/api/v1/x/{anything}"): "look",
    ("GET", "/api/v1/documents/{kind}/{key}"): "look",
    ("GET", "/api/v1/contracts/{engagement}"): "look",
    ("GET", "/api/v1/lineage/{invoice}"): "look",
    ("GET", "/api/v1/evidence/{invoice}"): "look",
    ("GET", "/api/v1/entries/{connection}/{source_id}"): "look",
    ("GET", "/api/v1/events"): "look",
    ("GET", "/api/v1/events/{connection}/{source_id}"): "look",
    ("POST", "/api/v1/usage"): "usage.send",
    ("GET", "/api/v1/usage"): "look",
    ("GET", "/api/v1/usage/{source}/{source_id}"): "look",
    ("GET", "/api/v1/tables"): "look",
    ("GET", "/api/v1/tables/{table}"): "look",
    ("POST", "/api/v1/tables/{table}/rows"): "value.set",
    ("POST", "/api/v1/tables/{table}/rows/{row}/approve"): "value.approve",
    ("GET", "/api/v1/connections"): "look",
    ("GET", "/api/v1/forecast"): "look",
    ("GET", "/api/v1/notices"): "look",
    ("GET", "/api/v1/metrics"): "look",
    ("POST", "/api/v1/connections/{connection}/pause"): "connection.pause",
    ("POST", "/api/v1/connections/{connection}/resume"): "connection.resume",
    ("GET", "/api/v1/audit"): "audit.read",
    ("GET", "/api/v1/audit/verification"): "audit.read",
    ("GET", "/api/v1/access-tokens"): "access.manage",
    ("POST", "/api/v1/access-tokens"): "access.manage",
    ("POST", "/api/v1/access-tokens/{token}/revoke"): "access.manage",
}
# What nobody gets whose role shows no money.
MADE_OF_AMOUNTS = ("/api/v1/evidence/{invoice}", "/api/v1/metrics")
# The first deal of the books.
DEAL = business_key("ENG", Ref("salesforce", "opportunity", "006Hs00000aBc01IAC"))
BODIES: dict[str, dict[str, Any]] = {
    "ignore": {"reason": "a test deal"},
    "decide": {"choice": "create"},
    "assign": {"assignee": "anna@kestrel.example"},
    "snooze": {"days": 1},
    "settle": {"there": False},
    "comment": {"text": "Who knows this?"},
    "ask": {"of": "margaret.osei@kestrel.example", "question": "Is it sold?"},
    "try": {"rules": []},
    "withdraw": {"reason": "a mistake"},
    "overrides": {"kind": "engagement", "key": DEAL, "field": "practice", "value": "Data", "reason": "typo"},
    "answer": {"answer": "approve"},
    "plans": {"hold": "H-20401"},
    "confirm": {"hash": "not this one"},
    "rows": {"key": "Data & AI", "value": "410"},
    "usage": {
        "source": "metering",
        "readings": [
            {"id": "T1", "engagement": DEAL, "meter": "storage", "quantity": 1, "unit": "GB", "day": "2026-10-05"}
        ],
    },
    "delegations": {"to": "no.body@kestrel.example", "first": "2026-11-03", "last": "2026-11-05", "reason": "away"},
    "credits": {"invoice": "2026/0001", "reason": "wrong payer"},
    "write-offs": {"engagement": DEAL, "reason": "agreed"},
    "bills": {"lender": "DE", "number": "1", "through": "2026-10-31"},
    "pause": {"reason": "upgrade"},
    "access-tokens": {"name": "New", "email": "new@kestrel.example", "roles": ["viewer"]},
}


def address(method: str, path: str, names: dict[str, str]) -> str:
    connection = "kantata" if "entries" in path else "erp-us"
    return path.format(**names, connection=connection)


async def test_the_table_has_every_route_and_no_other(site: Any) -> None:
    document = site.app.openapi()
    routes = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert routes == set(ROUTES)
    for (method, path), verb in ROUTES.items():
        secured = "security" in document["paths"][path][method.lower()]
        assert secured == (verb is not None), path


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_gets_in_where_the_table_says_and_nowhere_else(site: Any, role: str) -> None:
    names = await site.filled()
    refused = allowed = 0
    for (method, path), verb in ROUTES.items():
        if verb is None:
            continue
        body = BODIES.get(path.rsplit("/", 1)[1]) if method == "POST" else None
        answer = await site.ask(role, method, address(method, path, names), json=body)
        cell = f"{role}: {method} {path} → {answer.status_code} {answer.text[:200]}"
        if role == "delivery" and path in MADE_OF_AMOUNTS:
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:tieout:problem:shows-money"), cell
        elif role in MAY[verb]:
            allowed += 1
            assert answer.status_code in (200, 201, 404, 409), cell
            assert (
                answer.status_code != 404
                or path.endswith(("/revoke", "/write-offs", "/bills", "delegation}/withdraw"))
                or "/events/" in path
            ), cell
        else:
            refused += 1
            assert answer.status_code == 403, cell
            assert answer.json()["type"] == "urn:tieout:problem:no-right", cell
            assert who_may(verb) in answer.json()["detail"], cell
            assert site.canary not in answer.text, cell
    veiled = len(MADE_OF_AMOUNTS) if role == "delivery" else 0
    assert allowed + refused + veiled == sum(verb is not None for verb in ROUTES.values())
    assert allowed > 0


async def test_without_a_token_every_route_is_closed_and_says_nothing(site: Any) -> None:
    names = await site.filled()
    for (method, path), verb in ROUTES.items():
        if verb is not None:
            answer = await site.ask(None, method, address(method, path, names))
            assert answer.status_code == 401, path
            assert site.canary not in answer.text


async def test_a_refused_verb_changes_nothing(site: Any) -> None:
    names = await site.filled()
    before = (await site.ask("finance", "GET", "/api/v1/audit?limit=500")).json()
    for (method, path), verb in ROUTES.items():
        if method == "POST" and verb is not None and "viewer" not in MAY[verb]:
            body = BODIES.get(path.rsplit("/", 1)[1])
            assert (await site.ask("viewer", method, address(method, path, names), json=body)).status_code == 403
    assert (await site.ask("finance", "GET", "/api/v1/audit?limit=500")).json() == before
