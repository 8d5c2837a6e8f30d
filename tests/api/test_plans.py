"""Plans over HTTP: asked for, read page by page, confirmed as seen, stopped; what makes no sense is said."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tieout.domain.problems import Problem
from tieout.engine.planner import Planner
from tieout.engine.rehearsal import Rehearser
from tieout.engine.run import Run, flow

pytestmark = pytest.mark.anyio

UNKNOWN = Problem("package.unknown", {"package": "NEW", "deal": "Globex", "link": ""})


@flow(version=1, title="Nothing to do any more")
async def opportunity_to_project(run: Run, systems: Any) -> None:
    await run.about(title="Globex", entity="US")


async def plan(site: Any) -> None:
    """The hub's part, which works beside the API."""
    books = site.books
    rehearser = Rehearser(
        books.database, books.now, lambda: date(2026, 11, 2), [opportunity_to_project], lambda *_: None
    )
    await Planner(books.database, books.now, site.app.state.services.firm, rehearser).work()


async def ask(site: Any, **wanted: Any) -> dict[str, Any]:
    answer = await site.ask("operator", "POST", "/api/v1/plans", json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def read(site: Any, plan_id: str) -> dict[str, Any]:
    return (await site.ask("viewer", "GET", f"/api/v1/plans/{plan_id}")).json()


async def test_a_plan_is_asked_for_read_and_confirmed(site: Any) -> None:
    run = await site.books.held("006Hs00000aBc01IAC", [UNKNOWN])
    other = await site.books.held("006Hs00000aBc02IAC", [UNKNOWN])
    hold = (await site.ask("viewer", "GET", "/api/v1/holds")).json()["items"][0]["id"]
    asked = await ask(site, hold=hold, cause=True)
    assert (asked["state"], asked["sums"], asked["progress"]["items"]) == ("making", None, 2)
    early = await site.ask("operator", "POST", f"/api/v1/plans/{asked['id']}/confirm", json={"hash": "x"})
    assert (early.status_code, "still being made" in early.text) == (409, True)
    await plan(site)
    made = await read(site, asked["id"])
    assert (made["state"], made["sums"]["ends"], made["made_by"]) == ("open", {"done": 2}, "operator@kestrel.example")
    first = (await site.ask("viewer", "GET", f"/api/v1/plans/{asked['id']}/items?limit=1")).json()
    rest = (
        await site.ask("viewer", "GET", f"/api/v1/plans/{asked['id']}/items", params={"cursor": first["next"]})
    ).json()
    assert [each["run_id"] for each in (*first["items"], *rest["items"])] == [run, other]
    assert first["items"][0]["content"]["title"] == "Globex"
    assert rest["next"] is None
    confirmed = await site.ask("finance", "POST", f"/api/v1/plans/{asked['id']}/confirm", json={"hash": made["hash"]})
    assert confirmed.json() == {"fresh": True}
    again = await site.ask("operator", "POST", f"/api/v1/plans/{asked['id']}/confirm", json={"hash": made["hash"]})
    assert again.json() == {"fresh": False}
    assert (await read(site, asked["id"]))["confirmed_by"] == "finance@kestrel.example"
    await plan(site)
    assert (await read(site, asked["id"]))["state"] == "running"
    stopped = await site.ask("operator", "POST", f"/api/v1/plans/{asked['id']}/stop")
    assert stopped.json() == {"taken_back": 2}
    listed = (await site.ask("viewer", "GET", "/api/v1/plans")).json()["items"]
    assert [(each["id"], each["state"]) for each in listed] == [(asked["id"], "stopped")]


async def test_several_holds_are_one_plan(site: Any) -> None:
    await site.books.held("006Hs00000aBc01IAC", [UNKNOWN])
    await site.books.held("006Hs00000aBc02IAC", [UNKNOWN])
    found = [each["id"] for each in (await site.ask("viewer", "GET", "/api/v1/holds")).json()["items"]]
    asked = await ask(site, holds=found)
    assert (asked["progress"]["items"], asked["what"]) == (2, ", ".join(sorted(found)))
    answer = await site.ask("operator", "POST", "/api/v1/plans", json={"holds": [*found, "H-1"]})
    assert (answer.status_code, "There is no hold H-1." in answer.text) == (404, True)


async def test_a_plan_is_discarded_and_is_not_there_for_what_is_not_there(site: Any) -> None:
    run = await site.books.held("006Hs00000aBc01IAC", [UNKNOWN])
    asked = await ask(site, run=run)
    assert (await site.ask("operator", "POST", f"/api/v1/plans/{asked['id']}/discard")).status_code == 200
    late = await site.ask("finance", "POST", f"/api/v1/plans/{asked['id']}/approve")
    assert (late.status_code, "does not wait for an approval" in late.text) == (409, True)
    assert (await site.ask("viewer", "GET", "/api/v1/plans/P-1")).status_code == 404
    assert (await site.ask("viewer", "GET", "/api/v1/plans/P-1/items")).status_code == 404
    assert (await site.ask("operator", "POST", "/api/v1/plans", json={"run": "nothing"})).status_code == 404


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"hold": "H-20401", "run": "x"},
        {"flow": "approved_time"},
        {"flow": "approved_time", "since": "2026-10-01T00:00:00", "until": "2026-11-01T00:00:00Z"},
        {"hold": "H-20401", "step": "tell sales"},
        {"holds": []},
        {"holds": ["H-20401"], "cause": True},
        {"run": "x", "cause": True},
        {"run": "x", "how": "as_it_will_be"},
        {"hold": "20401"},
    ],
)
async def test_what_makes_no_sense_is_said(site: Any, wanted: dict[str, Any]) -> None:
    assert (await site.ask("operator", "POST", "/api/v1/plans", json=wanted)).status_code == 422
