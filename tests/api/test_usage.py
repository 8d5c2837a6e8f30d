"""Readings of metered usage by the API: a page whole or not at all, every mistake with its place, the same page again nothing."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.anyio


def page(*readings: dict[str, Any], source: str = "metering") -> dict[str, Any]:
    usual = {"engagement": "ENG-NOWHERE1", "meter": "storage", "quantity": "12.5", "unit": "GB", "day": "2026-10-05"}
    return {"source": source, "readings": [{"id": f"r{n}", **usual, **each} for n, each in enumerate(readings)]}


async def send(site: Any, body: Any, **headers: str) -> Any:
    return await site.ask("operator", "POST", "/api/v1/usage", json=body, headers=headers)


async def test_a_page_is_taken_once_and_corrected_by_what_says_more(site: Any) -> None:
    first = await send(site, page({}, {"quantity": 3}))
    wait = [{"problem": "usage.engagement_unknown", "readings": 2}]
    assert first.json() == {"new": 2, "corrected": 0, "same": 0, "older": 0, "waits": wait}
    again = await send(site, page({}, {"quantity": 4}))
    assert again.json() == {"new": 0, "corrected": 1, "same": 1, "older": 0, "waits": wait}
    story = (await site.ask("viewer", "GET", "/api/v1/usage/metering/r1")).json()
    assert (story["version"], story["quantity"], story["problem"]) == (2, "4", "usage.engagement_unknown")
    assert [(each["version"], each["quantity"], each["via"]) for each in story["versions"]] == [
        (1, "3", "api"),
        (2, "4", "api"),
    ]
    assert story["versions"][0]["sent_by"] == "operator@kestrel.example"


async def test_every_mistake_is_told_with_its_row_and_the_way_out_and_nothing_is_taken(site: Any) -> None:
    wrong = page({}, {"quantity": -1}, {"day": "yesterday", "unit": ""})
    wrong["readings"].append("no reading")
    answer = await send(site, wrong)
    assert answer.status_code == 422
    assert [(each["where"], bool(each["what"]), bool(each["fix"])) for each in answer.json()["errors"]] == [
        ("body.readings.1.quantity", True, True), ("body.readings.2.unit", True, True), ("body.readings.2.day", True, True),
        ("body.readings.3", True, True),
    ]  # fmt: skip
    assert (await site.ask("viewer", "GET", "/api/v1/usage")).json()["items"] == []


async def test_a_source_that_the_firm_does_not_name_is_refused(site: Any) -> None:
    answer = await send(site, page({}, source="Metering"))
    (error,) = answer.json()["errors"]
    assert (error["where"], error["what"]) == ("body.source", "no source of usage is called “Metering”")
    assert error["fix"] == "Say one of metering, or add it to `usage: sources` in tieout.yaml."


async def test_readings_are_listed_by_what_they_wait_for_page_by_page(site: Any) -> None:
    await send(site, page(*({} for _ in range(5))))
    seen: list[str] = []
    cursor = ""
    while True:
        answer = await site.ask("viewer", "GET", f"/api/v1/usage?problem=any&limit=2&cursor={cursor}")
        body = answer.json()
        seen += [each["source_id"] for each in body["items"]]
        if not body["next"]:
            break
        cursor = body["next"]
    assert seen == ["r0", "r1", "r2", "r3", "r4"]
    for filtered in ("problem=usage.meter_unknown", "source=other", "engagement=ENG-1"):
        assert (await site.ask("viewer", "GET", f"/api/v1/usage?{filtered}")).json()["items"] == []
