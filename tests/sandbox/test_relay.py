"""A relay passes requests and answers on as they are, and says so when nobody is behind it."""

from __future__ import annotations

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tieout.sandbox.relay import Relay

pytestmark = pytest.mark.anyio


def through(upstream: httpx2.AsyncBaseTransport) -> httpx2.AsyncClient:
    relay = Relay(httpx2.AsyncClient(transport=upstream, base_url="http://erp.test"))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(relay), base_url="http://line.test")


async def test_a_request_arrives_as_it_was_sent_and_the_answer_comes_back_as_it_was_given() -> None:
    async def echo(request: Request) -> JSONResponse:
        seen = {
            "method": request.method, "query": request.url.query, "body": (await request.body()).decode(),
            "authorization": request.headers["authorization"], "host": request.headers["host"],
        }  # fmt: skip
        return JSONResponse(seen, 418, {"X-Told": "yes"})

    app = Starlette(routes=[Route("/erp/rpc/", echo, methods=["POST", "DELETE"])])
    async with through(httpx2.ASGITransport(app)) as client:
        answer = await client.request(
            "DELETE", "/erp/rpc/?a=1&b=%20", content="{}", headers={"Authorization": "Session x"}
        )
    assert (answer.status_code, answer.headers["X-Told"]) == (418, "yes")
    told = answer.json()
    assert (told["method"], told["query"], told["body"]) == ("DELETE", "a=1&b=%20", "{}")
    assert (told["authorization"], told["host"]) == ("Session x", "erp.test")


@pytest.mark.parametrize(("failure", "status"), [(httpx2.ConnectError, 503), (httpx2.ReadError, 502)])
async def test_a_system_that_is_away_is_an_answer_too(failure: type[httpx2.TransportError], status: int) -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise failure("gone")

    async with through(httpx2.MockTransport(fail)) as client:
        assert (await client.get("/erp/rpc/")).status_code == status
