"""An answer that does not come to its end is given up: no read waits for ever, and no write is believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tieout.connectors.contract import OutcomeUnknown
from tieout.connectors.transports.http import Request, exchange
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.errors import TrytonUnavailable
from tieout.domain.problems import Transient

pytestmark = pytest.mark.anyio


class Dripping(httpx2.AsyncByteStream):
    """Four bytes at a time, each of them soon enough."""

    def __init__(self, body: bytes, pause: float) -> None:
        self._body, self._pause = body, pause

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for first in range(0, len(self._body), 4):
            await asyncio.sleep(self._pause)
            yield self._body[first : first + 4]


def client(pause: float) -> httpx2.AsyncClient:
    async def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=Dripping(b'{"rows": [1, 2, 3, 4, 5, 6]}', pause))

    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://slow.test", timeout=0.2)


@pytest.mark.parametrize(("method", "told"), [("GET", Transient), ("POST", OutcomeUnknown)])
async def test_a_body_of_a_few_bytes_a_second_is_given_up(method: str, told: type[Exception]) -> None:
    async with client(0.05) as slow:
        with pytest.raises(told, match="does not come to its end"):
            await exchange(slow, Request(method, "/rows"), {})


async def test_a_body_in_pieces_is_read_to_its_end() -> None:
    async with client(0.001) as slow:
        assert (await exchange(slow, Request("GET", "/rows"), {})).json() == {"rows": [1, 2, 3, 4, 5, 6]}


async def test_an_answer_that_is_no_login_is_not_kept_for_one() -> None:
    """Tryton's client logs in once for a long time: what it believed wrongly then, it would believe until it ends."""
    answers: list[Any] = [[1, "t0"], [1, "t0"], [1, "t1"], {"company": 1}, [{"id": 7}]]
    answers.insert(0, {"no": "login"})

    async def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"id": 1, "result": answers.pop(0)})

    transport = httpx2.MockTransport(answer)
    http = httpx2.AsyncClient(transport=transport, base_url="http://erp.test")
    client = TrytonClient(http, database="erp", user="hub", password="p")
    for _ in range(2):
        with pytest.raises(TrytonUnavailable, match="that is none"):
            await client.read("party.party", [7], ["id"])
    assert await client.read("party.party", [7], ["id"]) == [{"id": 7}]
    await client.close()
