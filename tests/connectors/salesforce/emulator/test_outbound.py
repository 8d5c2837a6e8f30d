"""Outbound Messages: which changes ring, how often, in which order, with what, and until when."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response

HUB = "hub@kestrel.example"
MESSAGES = "/_sandbox/outbound-messages"
ACK = b'<a xmlns:o="http://soap.sforce.com/2005/09/outbound"><o:Ack>%s</o:Ack></a>'


class Listener:
    """Somebody at the other end, who acknowledges only while `answer` says so."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.answer = (200, ACK % b"true")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        assert request.headers["content-type"] == "text/xml; charset=utf-8"
        assert request.headers["soapaction"] == '""'
        self.heard.append((await request.body()).decode())
        status, body = self.answer
        await Response(body, status, media_type="text/xml")(scope, receive, send)

    def names(self) -> list[list[str]]:
        return [re.findall(r"<sf:Name>(.*?)</sf:Name>", each) for each in self.heard]

    def ids(self) -> list[list[str]]:
        return [re.findall(r"<Notification><Id>(.*?)</Id>", each) for each in self.heard]


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def outbound(listener: Listener) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(listener)) as client:
        yield client


@pytest.fixture
def org(make_org: Callable[..., Any], outbound: httpx2.AsyncClient) -> Any:
    org = make_org(outbound=outbound)
    yield org
    org.close()


async def define(door: Any, **settings: Any) -> str:
    rule = {"object": "Opportunity", "fields": ["Name", "Amount", "IsWon"], "url": "http://hub.test/ring", **settings}
    response = await door("POST", MESSAGES, rule)
    assert response.status_code == 200, response.text
    return response.json()["id"]


async def deliver(door: Any, **options: Any) -> int:
    return (await door("POST", f"{MESSAGES}/deliver", options)).json()["acknowledged"]


async def pending(door: Any) -> list[dict[str, Any]]:
    return (await door("GET", MESSAGES)).json()["pending"]


async def test_a_change_rings_with_the_record_as_it_is_now(door: Any, listener: Listener, org: Any) -> None:
    await define(door)
    deal = await door.deal("Before & after", Amount="12.50")
    await door("PATCH", f"/sobjects/Opportunity/{deal}", {"Name": "<After>"})
    await door.create("Account", Name="Nobody listens to accounts")
    assert await deliver(door) == 2
    (message,) = listener.heard
    assert listener.names() == [["&lt;After&gt;", "&lt;After&gt;"]]
    assert f"<OrganizationId>{org.sessions.organization['Id']}</OrganizationId>" in message
    assert f"<sf:Id>{deal}</sf:Id>" in message
    assert "<sf:Amount>12.50</sf:Amount><sf:IsWon>false</sf:IsWon>" in message
    assert await deliver(door) == 0
    assert len(listener.heard) == 1


async def test_what_was_rolled_back_does_not_ring(door: Any, listener: Listener) -> None:
    await define(door)
    deal = {"attributes": {"type": "Opportunity"}, "Name": "D", "StageName": "Prospecting", "CloseDate": "2026-10-30"}
    await door("POST", "/composite/sobjects", {"allOrNone": True, "records": [deal, {**deal, "StageName": None}]})
    assert await deliver(door) == 0
    assert listener.heard == []


async def test_a_condition_chooses_and_newly_met_rings_once(door: Any, listener: Listener) -> None:
    await define(door, where="IsWon = true", newly_met=True)
    deal = await door.deal("D")
    assert await pending(door) == []
    for change in ({"StageName": "Closed Won"}, {"NextStep": "celebrate"}, {"StageName": "Prospecting"}):
        await door("PATCH", f"/sobjects/Opportunity/{deal}", change)
    assert len(await pending(door)) == 1
    await door("PATCH", f"/sobjects/Opportunity/{deal}", {"StageName": "Closed Won"})
    assert len(await pending(door)) == 2
    refused = await door("POST", MESSAGES, {"object": "Opportunity", "url": "http://hub.test", "where": "Shoe = 1"})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    "answer", [(500, ACK % b"true"), (200, ACK % b"false"), (200, b""), (200, b"<html>"), (204, b"")]
)
async def test_only_a_true_acknowledgement_ends_the_ringing(
    door: Any, listener: Listener, answer: tuple[int, bytes]
) -> None:
    await define(door)
    await door.deal()
    listener.answer = answer
    assert await deliver(door) == 0
    (first,) = await pending(door)
    assert (first["attempts"], first["due"]) == (1, "2026-10-01T09:00:15.000+0000")
    listener.answer = (200, ACK % b"true")
    assert await deliver(door) == 0
    assert len(listener.heard) == 1
    door.clock.forward(seconds=15)
    assert await deliver(door) == 1
    assert listener.ids()[0] == listener.ids()[1] == [first["id"]]
    assert await pending(door) == []


async def test_retries_wait_longer_and_longer_and_end_after_a_day(door: Any, listener: Listener) -> None:
    await define(door)
    await door.deal()
    listener.answer = (503, b"")
    waits: list[float] = []
    began = door.clock()
    while waiting := await pending(door):
        door.clock.at = max(door.clock(), _instant(waiting[0]["due"]))
        waits.append((door.clock() - began).total_seconds())
        await deliver(door)
    gaps = [later - earlier for earlier, later in pairwise(waits)]
    assert gaps[:4] == [15, 30, 60, 120]
    assert max(gaps) == 7200
    assert 24 * 3600 < waits[-1] <= 26 * 3600


def _instant(text: str) -> Any:
    from tieout.connectors.salesforce.emulator.wire import read_instant

    return read_instant(text)


async def test_messages_come_twice_and_in_reverse_where_the_org_is_told_so(door: Any, listener: Listener) -> None:
    await define(door, duplicate=True, reverse=True)
    for name in "ABC":
        await door.deal(name)
    assert await deliver(door) == 3
    assert listener.names() == [["C", "B", "A"], ["C", "B", "A"]]


async def test_a_hundred_notifications_travel_together(door: Any, listener: Listener) -> None:
    await define(door)
    deal = {"attributes": {"type": "Opportunity"}, "Name": "D", "StageName": "Prospecting", "CloseDate": "2026-10-30"}
    await door("POST", "/composite/sobjects", {"records": [deal] * 101})
    assert await deliver(door) == 101
    assert [len(each) for each in listener.ids()] == [100, 1]


async def test_a_message_that_is_removed_stops_ringing(door: Any, listener: Listener) -> None:
    message = await define(door)
    await door.deal()
    assert (await door("DELETE", f"{MESSAGES}/{message}")).json() == {"removed": True}
    assert await pending(door) == []
    assert (await door("DELETE", f"{MESSAGES}/{message}")).json() == {"removed": False}
    await door.deal()
    assert await deliver(door, at_once=True) == 0
    assert listener.heard == []


async def test_what_nobody_acknowledged_rings_after_a_restart(
    make_org: Callable[..., Any], outbound: httpx2.AsyncClient, listener: Listener, tmp_path: Path
) -> None:
    listener.answer = (503, b"")
    for round_ in range(2):
        org = make_org(outbound=outbound, state=tmp_path / "org.sqlite", public_url="http://org.test")
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(org.asgi()), base_url="http://org.test") as client:
            if round_ == 0:
                await client.post(
                    MESSAGES, json={"object": "Opportunity", "url": "http://hub.test", "fields": ["Name"]}
                )
                token = (await client.post("/_sandbox/login-as", json={"username": HUB})).json()["access_token"]
                await client.post(
                    "/services/data/v60.0/sobjects/Opportunity",
                    json={"Name": "Kept", "StageName": "Prospecting", "CloseDate": "2026-10-30"},
                    headers={"Authorization": f"Bearer {token}"},
                )
                assert await org.deliver_outbound_messages() == 0
            else:
                listener.answer = (200, ACK % b"true")
                assert await org.deliver_outbound_messages(at_once=True) == 1
        org.close()
    assert listener.names() == [["Kept"], ["Kept"]]


async def test_an_org_without_a_client_cannot_ring(make_org: Callable[..., Any]) -> None:
    org = make_org()
    with pytest.raises(ValueError, match="no client for Outbound Messages"):
        await org.deliver_outbound_messages()
    org.close()


@pytest.mark.loopback
def test_a_running_server_rings_by_itself(make_org: Callable[..., Any], serve: Callable[[Any], Any]) -> None:
    import threading

    heard = threading.Event()

    async def hub(scope: Any, receive: Any, send: Any) -> None:
        await Request(scope, receive).body()
        heard.set()
        await Response(ACK % b"true", media_type="text/xml")(scope, receive, send)

    org = make_org(outbound=httpx2.AsyncClient(transport=httpx2.ASGITransport(hub)))
    with serve(org.asgi()) as url, httpx2.Client(base_url=url) as client:
        org.public_url = url
        client.post(MESSAGES, json={"object": "Opportunity", "url": "http://hub.test"})
        token = client.post("/_sandbox/login-as", json={"username": HUB}).json()["access_token"]
        started = time.monotonic()
        client.post(
            "/services/data/v60.0/sobjects/Opportunity",
            json={"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-10-30"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert heard.wait(5)
        assert time.monotonic() - started < 5
    org.close()
