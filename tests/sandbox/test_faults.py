"""Faults strike the requests they are meant for, leave the right effects behind, and say what they did."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tieout.sandbox.faults import Faults, Match, Rule

BODIES = {
    "503": ("application/json", b'[{"errorCode": "SERVER_UNAVAILABLE"}]'),
    "error_in_200": ("text/xml", b"<fault>sorry</fault>"),
}


class Ledger:
    """A system that remembers what it was asked to book."""

    def __init__(self) -> None:
        self.booked: list[str] = []
        self.faults = Faults(Starlette(routes=[Route("/{rest:path}", self.book, methods=["GET", "POST"])]), 7, BODIES)

    async def book(self, request: Request) -> JSONResponse:
        body = (await request.body()).decode()
        if request.method == "POST":
            self.booked.append(body)
        return JSONResponse({"kept": request.scope.get("tieout.partial_batch"), "booked": len(self.booked)})


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def client(ledger: Ledger) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(ledger.faults), base_url="http://ledger.test"
    ) as client:
        yield client


@contextmanager
def served(app: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    ready = threading.Event()
    startup = server.startup

    async def started(sockets: Any = None) -> None:
        await startup(sockets)
        ready.set()

    server.startup = started  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


async def add(client: httpx2.AsyncClient, **rule: Any) -> dict[str, Any]:
    response = await client.post("/_sandbox/faults", json=rule)
    assert response.status_code == 201, response.text
    return response.json()


async def test_a_rule_strikes_only_the_requests_it_matches_and_only_so_often(client: httpx2.AsyncClient) -> None:
    await add(
        client, kind="status", status=429, retry_after=3, match={"method": "POST", "path": "/entr"}, times=2, skip=1
    )
    answers = [(await client.post("/entries", content="x")).status_code for _ in range(5)]
    assert answers == [200, 429, 429, 200, 200]
    assert (await client.get("/entries")).status_code == 200
    (rule,) = (await client.get("/_sandbox/faults")).json()["rules"]
    assert (rule["hits"], rule["seen"]) == (2, 3)


async def test_refusals_speak_the_vendors_words(client: httpx2.AsyncClient) -> None:
    await add(client, kind="status", status=503, retry_after=7)
    refused = await client.get("/x")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "7")
    assert refused.json() == [{"errorCode": "SERVER_UNAVAILABLE"}]
    await add(client, kind="error_in_200")
    lie = await client.get("/x")
    assert (lie.status_code, lie.text) == (200, "<fault>sorry</fault>")


async def test_a_lost_answer_leaves_its_effect_behind(client: httpx2.AsyncClient, ledger: Ledger) -> None:
    await add(client, kind="lost_answer")
    with pytest.raises(httpx2.RemoteProtocolError):
        await client.post("/entries", content="one")
    assert ledger.booked == ["one"]


@pytest.mark.parametrize(("kind", "booked"), [("timeout_before", []), ("timeout_after", ["one"])])
async def test_a_missing_answer_says_nothing_about_the_effect(
    client: httpx2.AsyncClient, ledger: Ledger, kind: str, booked: list[str]
) -> None:
    await add(client, kind=kind)
    with pytest.raises(httpx2.ReadTimeout):
        await client.post("/entries", content="one")
    assert ledger.booked == booked


async def test_a_partial_batch_tells_the_system_how_many_may_succeed(client: httpx2.AsyncClient) -> None:
    await add(client, kind="partial_batch", records=3)
    assert [(await client.get("/x")).json()["kept"] for _ in range(2)] == [3, None]


async def test_latency_adds_to_whatever_else_strikes(client: httpx2.AsyncClient) -> None:
    await add(client, kind="latency", seconds=0.05)
    await add(client, kind="latency", seconds=0.05)
    await add(client, kind="status")
    began = time.monotonic()
    assert (await client.get("/x")).status_code == 503
    assert time.monotonic() - began >= 0.1


async def test_the_same_seed_makes_the_same_faults() -> None:
    async def pattern() -> list[int]:
        faults = Ledger().faults
        faults.add(Rule(kind="status", match=Match(path="/"), times=None, probability=0.5))
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(faults), base_url="http://l.test") as client:
            return [(await client.get("/x")).status_code for _ in range(20)]

    first = await pattern()
    assert set(first) == {200, 503}
    assert await pattern() == first


async def test_rules_can_be_taken_away_again(client: httpx2.AsyncClient) -> None:
    first = await add(client, kind="status", times=None)
    await add(client, kind="status", times=None, status=500)
    assert (await client.delete(f"/_sandbox/faults/{first['id']}")).json() == {"removed": 1}
    assert (await client.get("/x")).status_code == 500
    assert (await client.delete("/_sandbox/faults")).json() == {"removed": 1}
    assert (await client.get("/x")).status_code == 200


async def test_a_rule_that_makes_no_sense_is_refused(client: httpx2.AsyncClient) -> None:
    for rule in (
        {"kind": "earthquake"},
        {"kind": "status", "status": 200},
        {"kind": "latency", "match": {"path": "("}},
    ):
        assert (await client.post("/_sandbox/faults", json=rule)).status_code == 422
    assert (await client.put("/_sandbox/faults", json={})).status_code == 405


@pytest.mark.loopback
def test_over_a_real_connection_an_answer_is_lost_by_hanging_up(ledger: Ledger) -> None:
    with served(ledger.faults) as url, httpx2.Client(base_url=url, timeout=5) as client:
        client.post("/_sandbox/faults", json={"kind": "lost_answer"})
        with pytest.raises(httpx2.RemoteProtocolError, match="without sending a response"):
            client.post("/entries", content="one")
        assert ledger.booked == ["one"]
        assert client.post("/entries", content="two").json()["booked"] == 2


@pytest.mark.loopback
@pytest.mark.parametrize(("kind", "booked"), [("timeout_before", []), ("timeout_after", ["one"])])
def test_over_a_real_connection_silence_lasts_until_the_client_gives_up(
    ledger: Ledger, kind: str, booked: list[str]
) -> None:
    with served(ledger.faults) as url, httpx2.Client(base_url=url, timeout=5) as client:
        client.post("/_sandbox/faults", json={"kind": kind})
        with pytest.raises(httpx2.ReadTimeout):
            client.post("/entries", content="one", timeout=0.2)
        assert ledger.booked == booked
        assert client.get("/x").status_code == 200
