"""When the network or the account misbehaves, the connector says exactly what it does not know."""

from __future__ import annotations

import httpx2
import pytest
from pydantic import SecretStr

from tieout.connectors.contract import OutcomeUnknown, Write
from tieout.connectors.kantata.client import KantataClient
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import Kantata
from tieout.connectors.kantata.emulator import FAULT_BODIES
from tieout.domain.problems import Misconfigured, Rejected, Transient
from tieout.sandbox.faults import Faults, Match, Rule

from .conftest import Cast, open_connector

pytestmark = pytest.mark.anyio

CUSTOMER = Write("client.create", "CUS-1", "1", {"key": "CUS-1", "name": "Globex", "email": ""})
WRITES = Match(method="POST")


@pytest.fixture
def faults(firm: Cast) -> Faults:
    return Faults(firm.account.asgi(), 7, FAULT_BODIES)


async def created(hub: Kantata) -> str:
    return (await hub.send("client.create", await hub.prepare(CUSTOMER))).id


async def clients(firm: Cast) -> int:
    return (await firm.hub.ok("GET", "/workspace_groups"))["count"]


async def test_being_asked_to_slow_down_has_no_effect_and_names_no_time(firm: Cast, faults: Faults) -> None:
    faults.add(Rule(kind="status", status=429, match=WRITES))
    async with open_connector(faults) as hub:
        with pytest.raises(Transient) as slow:
            await created(hub)
        assert (slow.value.after, await clients(firm)) == (None, 0)
        assert await created(hub)


async def test_a_read_that_fails_can_simply_be_made_again(faults: Faults) -> None:
    reads = Match(method="GET")
    async with open_connector(faults) as hub:
        for rule in (
            Rule(kind="status", status=503, match=reads),
            Rule(kind="status", status=500, match=reads),
            Rule(kind="status", status=422, match=reads),
            Rule(kind="timeout_before", match=reads),
            Rule(kind="lost_answer", match=reads),
            Rule(kind="error_in_200", match=reads),
        ):
            faults.add(rule)
            with pytest.raises(Transient):
                await hub.changes("time_entry", None)
        assert (await hub.changes("time_entry", None)).more is False


@pytest.mark.parametrize(
    ("kind", "there"),
    [("timeout_before", 0), ("timeout_after", 1), ("lost_answer", 1), ("error_in_200", 0), ("status", 0)],
)
async def test_a_write_without_a_credible_answer_is_unknown_and_looking_up_tells(
    firm: Cast, faults: Faults, kind: str, there: int
) -> None:
    faults.add(Rule(kind=kind, status=503, match=WRITES))  # type: ignore[arg-type]
    async with open_connector(faults) as hub:
        with pytest.raises(OutcomeUnknown):
            await created(hub)
        assert await clients(firm) == there
        found = await hub.find(CUSTOMER)
        assert (found is not None) == bool(there)


async def test_a_project_whose_tasks_could_not_be_read_is_unknown_not_refused(firm: Cast, faults: Faults) -> None:
    """It is there already: a refusal would have it made a second time."""
    from .test_writing import creation

    async with open_connector(faults) as hub:
        write = await creation(hub)
        request = await hub.prepare(write)
        faults.add(Rule(kind="status", status=503, match=Match(method="GET", path="stories")))
        with pytest.raises(OutcomeUnknown, match="was made"):
            await hub.send("project.create", request)
        found = await hub.find(write)
        assert found is not None
        assert sorted(found.parts) == ["PRJ-7K3M9QXA/01", "PRJ-7K3M9QXA/02"]
        assert (await firm.hub.ok("GET", "/workspaces"))["count"] == 1


async def test_a_token_that_is_taken_away_pauses_the_connection(firm: Cast, hub: Kantata) -> None:
    assert (await hub.check()).ok
    await firm.http.request("DELETE", "/_sandbox/tokens", json={})
    for call in (hub.check(), hub.changes("time_entry", None), created(hub)):
        with pytest.raises(Misconfigured, match="Invalid OAuth 2 Request"):
            await call


async def test_a_token_without_the_right_pauses_the_connection(firm: Cast) -> None:
    async with open_connector(firm.account, token=firm.account.token(firm.consultant.email)) as hub:
        with pytest.raises(Misconfigured, match="permission"):
            await created(hub)


async def test_the_limits_of_the_account_are_heard(firm: Cast, hub: Kantata) -> None:
    await firm.http.request("PUT", "/_sandbox/limits", json={"requests_per_minute": 1})
    with pytest.raises(Transient, match="slow down"):
        await hub.changes("time_entry", None)
    await firm.http.request("PUT", "/_sandbox/limits", json={"requests_per_minute": None})
    assert (await hub.check()).ok


async def test_a_record_that_is_gone_is_a_refusal_for_a_person(firm: Cast, hub: Kantata) -> None:
    write = Write("project.update", "PRJ-1", "1", {"state": "active"}, {"record": "1"})
    with pytest.raises(Rejected, match="change the state of the project"):
        await hub.send("project.update", await hub.prepare(write))


async def test_a_batch_that_is_done_in_part_keeps_its_beginning(firm: Cast, faults: Faults) -> None:
    import httpx2

    project = await firm.project()
    one = {"workspace_id": project["id"], "date_performed": "2026-10-05", "time_in_minutes": 30}
    faults.add(Rule(kind="partial_batch", records=2))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(faults), base_url="http://kantata.test") as client:
        refused = await client.post(
            "/api/v1/time_entries",
            json={"time_entries": [one] * 5},
            headers={"Authorization": f"Bearer {firm.account.token(firm.consultant.email)}"},
        )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["message"] == "Only 2 of 5 time_entries could be created"
    assert (await firm.hub.ok("GET", "/time_entries"))["count"] == 2


async def test_a_list_that_repeats_its_page_is_given_up() -> None:
    """Whoever ignores the offset gives the first page for ever; believing the count alone would leave rows out."""
    client = {str(number): {"id": str(number), "name": f"Globex {number}"} for number in range(200)}
    asked: list[str] = []

    async def first_page(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        results = [{"key": "workspace_groups", "id": each} for each in client]
        return httpx2.Response(200, json={"count": 10**9, "results": results, "workspace_groups": client})

    config = KantataConfig(url="http://kantata.test", token=SecretStr("t"))
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(first_page), base_url=config.url) as http:
        with pytest.raises(Transient, match="the same page of workspace_groups again, after 200 of 1000000000 rows"):
            await KantataClient("kantata", config, http).all("workspace_groups")
    assert len(asked) == 2
