"""Whose role shows no money is told of the work alone: every route, from the application's own list, and every error."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.test_rights import BODIES, ROUTES, address

from tieout.api import visit

pytestmark = pytest.mark.anyio

# What is worth what in these books: the deal, the rate, the work, its tax, the sum, all of them also in minor units.
MONEY = (
    "50000.00",
    "50,000.00",
    "5000000",
    "340.00",
    "340",
    "27.20",
    "367.20",
    "36720",
    "34000",
    "175.25",
    '"USD ',
    "USD.",
)


async def leaks(site: Any) -> list[str]:
    """Every amount that somebody of delivery is told, over every route."""
    names = await site.filled()
    await site.books.time(await site.books.deal(7), [("T7", 1, 90)])
    found: list[str] = []
    for method, path in ROUTES:
        if path.startswith("/api/") and not path.endswith("openapi.json"):
            body = BODIES.get(path.rsplit("/", 1)[1]) if method == "POST" else None
            at = address(method, path, names)
            answer = await site.ask("delivery", method, at, json=body)
            assert answer.status_code in (200, 304, 403, 404, 409, 422), f"{at}: {answer.text}"
            found += [f"{method} {at}: {each}" for each in MONEY if each in answer.text.replace(at, "")]
    return found


async def test_no_route_tells_an_amount_to_somebody_of_delivery(site: Any) -> None:
    assert "\n".join(await leaks(site)) == ""


async def test_the_work_is_told_and_what_is_left_out_is_named(site: Any) -> None:
    await site.filled()
    told = (await site.ask("delivery", "GET", "/api/v1/lineage/2026/0001")).json()
    whole = (await site.ask("viewer", "GET", "/api/v1/lineage/2026/0001")).json()
    line, shown = told["items"][0]["lines"][0], whole["items"][0]["lines"][0]
    assert (line["quantity"], line["evidence"][0]["minutes"]) == (shown["quantity"], shown["evidence"][0]["minutes"])
    assert shown["unit_price"] == {"amount": "340.00", "currency": "USD"}
    assert line["unit_price"] is line["amount"] is line["evidence"][0]["rate"] is None
    assert "items[].lines[].unit_price" in told["masked"]
    assert "masked" not in whole
    hold = (await site.ask("delivery", "GET", "/api/v1/holds")).json()
    assert hold["items"][0]["amount"] is None
    assert hold["masked"] == ["items[].amount"]


async def test_a_file_of_amounts_is_not_handed_over(site: Any) -> None:
    await site.filled()
    for path in ("/evidence/2026/0001", "/metrics"):
        answer = await site.ask("delivery", "GET", f"/api/v1{path}")
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:tieout:problem:shows-money")


async def test_the_walk_finds_a_door_without_a_veil(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "Veil", lambda send, path: send)
    found = "\n".join(await leaks(site))
    for route in ("/figures", "/holds", "/documents", "/contracts", "/lineage", "/entries"):
        assert route in found, route
