"""Every place where the hub reads bytes that somebody else wrote, and what each of them may raise."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import random
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr

from tieout.api.problem import Wrong
from tieout.api.shapes import place
from tieout.connectors.contract import Opening, OutcomeUnknown, WebhookRefused, Write
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import SPEC as KANTATA
from tieout.connectors.kantata.emulator.failures import Refusal as KantataRefusal
from tieout.connectors.kantata.emulator.wire import read_body
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.salesforce.connector import SPEC as SALESFORCE
from tieout.connectors.salesforce.doorbell import SalesforceDoorbell
from tieout.connectors.salesforce.emulator.failures import Refusal as SalesforceRefusal
from tieout.connectors.salesforce.emulator.notifications import acknowledged
from tieout.connectors.salesforce.emulator.soql.parser import parse
from tieout.connectors.salesforce.emulator.wire import read_instant, read_json
from tieout.connectors.signatures import standard_webhooks
from tieout.connectors.transports.http import Request
from tieout.connectors.tryton.config import TrytonConfig
from tieout.connectors.tryton.connector import SPEC as TRYTON
from tieout.domain.identity import Ref
from tieout.domain.problems import Conflict, Misconfigured, Rejected, Transient
from tieout.folder.reading import understood

CORPUS = Path(__file__).parent / "corpus"
_NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
_KEY = b"canary-key-of-a-doorbell"
_ORG = "00D5g000004CqxK"
# What a connector may say of an answer (connectors/contract.py).
_SAID = (Transient, Rejected, Conflict, Misconfigured, OutcomeUnknown)
_STATUSES = (200, 200, 200, 201, 204, 400, 401, 404, 409, 500)


@dataclass(frozen=True, slots=True)
class Parser:
    """`read` takes any bytes. It may return whatever it likes, and raise what is `declared`."""

    name: str
    read: Callable[[bytes], Any]
    declared: tuple[type[Exception], ...] = ()

    def feed(self, hostile: bytes) -> None:
        """Raises what was not declared."""
        with contextlib.suppress(*self.declared):
            self.read(hostile)

    def corpus(self) -> list[bytes]:
        """What was kept: a few sound examples, and everything that once broke it."""
        return [each.read_bytes() for each in sorted((CORPUS / self.name).iterdir())]


@cache
def _doorbell() -> SalesforceDoorbell:
    config = _salesforce().model_copy(update={"organization_id": _ORG, "webhook_secret": SecretStr(_secret())})
    return SalesforceDoorbell("salesforce", config)


def _secret() -> str:
    return "whsec_" + b64encode(_KEY).decode()


def _outbound_message(body: bytes) -> Any:
    return _doorbell().verify({}, body, _NOON)


def _signed_call(body: bytes) -> Any:
    """The signature is right: what is read is what a sender with the secret wrote."""
    moment = str(int(_NOON.timestamp()))
    signed = hmac.new(_KEY, b"msg_1." + moment.encode() + b"." + body, hashlib.sha256).digest()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": moment,
        "webhook-signature": "v1," + b64encode(signed).decode(),
    }
    return _doorbell().verify(headers, body, _NOON)


def _signature_headers(hostile: bytes) -> Any:
    parts = [*hostile.decode("latin-1").split("\n"), "", "", ""][:3]
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return standard_webhooks(_secret()).verify(dict(zip(names, parts, strict=True)), b"{}", _NOON)


class _Answers(httpx2.AsyncBaseTransport):
    """A system that answers every call with the bytes that are to be tried, until it is gone; logging in works."""

    hostile = b""
    left = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/token"):
            return httpx2.Response(200, json={"access_token": "t", "instance_url": "https://x"}, request=request)
        self.left -= 1
        if self.left < 0:
            raise httpx2.ConnectError("gone", request=request)
        status = _STATUSES[self.hostile[0] % len(_STATUSES)] if self.hostile else 200
        headers = {"Content-Type": "application/json", "Date": "Mon, 02 Nov 2026 12:00:00 GMT"}
        return httpx2.Response(status, content=self.hostile[1:], headers=headers, request=request)


_ANSWERS = _Answers()
_CALLS = 5
_LONGEST = 50_000


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def _salesforce() -> SalesforceConfig:
    return SalesforceConfig(url="https://org.test", client_id="app", client_secret=SecretStr("secret"))


@cache
def _connections() -> Mapping[str, Any]:
    kantata = KantataConfig(url="https://psa.test", token=SecretStr("token"))
    tryton = TrytonConfig(url="https://erp.test", database="db", user="u", password=SecretStr("p"), company="Kestrel")
    return {
        "salesforce": SALESFORCE.open(Opening("salesforce", _salesforce(), transport=_ANSWERS)),
        "kantata": KANTATA.open(Opening("kantata", kantata, transport=_ANSWERS)),
        "tryton": TRYTON.open(Opening("tryton", tryton, transport=_ANSWERS)),
    }


def _answered(act: Callable[[Any], Awaitable[Any]], system: str) -> Callable[[bytes], Any]:
    """What a connection makes of a few answers: after them the system is gone, or the same page could come for ever."""

    def read(hostile: bytes) -> Any:
        _ANSWERS.hostile, _ANSWERS.left = hostile, _CALLS
        return _loop().run_until_complete(act(_connections()[system]))

    return read


def _sent(operation: str, path: str, method: str = "POST") -> Callable[[Any], Awaitable[Any]]:
    return lambda connection: connection.send(operation, Request(method, path, {"Name": "x"}).encode())


def _parsers() -> Iterator[Parser]:
    yield Parser("outbound-message", _outbound_message, (WebhookRefused,))
    yield Parser("signed-call", _signed_call, (WebhookRefused,))
    yield Parser("signature-headers", _signature_headers, (WebhookRefused,))
    yield Parser("salesforce-changes", _answered(lambda it: it.changes("opportunity", None), "salesforce"), _SAID)
    look = Ref("salesforce", "opportunity", "006Hs00000aBcDEIA1")
    yield Parser("salesforce-record", _answered(lambda it: it.look(look), "salesforce"), _SAID)
    update = _sent("opportunity.update", "/services/data/v62.0/sobjects/Opportunity/006Hs00000aBcDEIA1", "PATCH")
    yield Parser("salesforce-receipt", _answered(update, "salesforce"), _SAID)
    yield Parser("kantata-changes", _answered(lambda it: it.changes("time_entry", None), "kantata"), _SAID)
    created = Write("client.create", "CUS-1", "1", {"name": "x"})
    yield Parser("kantata-found", _answered(lambda it: it.find(created), "kantata"), _SAID)
    yield Parser("tryton-changes", _answered(lambda it: it.changes("invoice", None), "tryton"), _SAID)
    booked = Write("customer.create", "CUS-1", "1", {"name": "x"})
    yield Parser("tryton-found", _answered(lambda it: it.find(booked), "tryton"), _SAID)
    yield Parser("firm-folder", lambda hostile: understood("tieout.yaml", hostile.decode("utf-8", "replace")))
    yield Parser("api-cursor", lambda hostile: place(hostile.decode("latin-1"), datetime, int, str), (Wrong,))
    yield Parser("soql", lambda hostile: parse(hostile.decode("utf-8", "replace")), (SalesforceRefusal,))
    yield Parser("salesforce-request", read_json, (SalesforceRefusal,))
    yield Parser("salesforce-instant", lambda hostile: read_instant(hostile.decode("latin-1")))
    yield Parser("acknowledgement", acknowledged)
    yield Parser("kantata-request", lambda hostile: read_body(hostile, "application/json"), (KantataRefusal,))
    yield Parser("kantata-form", lambda hostile: read_body(hostile, "x-www-form-urlencoded"), (KantataRefusal,))


PARSERS: Mapping[str, Parser] = {each.name: each for each in _parsers()}


def mutated(chance: random.Random, corpus: list[bytes]) -> bytes:
    """One of the corpus, changed a little or a lot: what a fuzzer without a view into the code can do."""
    made = bytearray(chance.choice(corpus))
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at, until = sorted((chance.randint(0, len(made)), chance.randint(0, len(made))))
        match chance.randrange(7):
            case 0:
                made[at:until] = b""
            case 1:
                made[at:at] = made[at : min(until, at + 500)] * chance.choice((1, 2, 20))
            case 2 if made:
                made[at % len(made)] = chance.randrange(256)
            case 3:
                made[at:at] = chance.choice(_ODD)
            case 4:
                made[at:until] = chance.choice(_ODD)
            case 5:
                made[at:at] = bytes(chance.choice(corpus))[: chance.randint(0, 40)]
            case _:
                made[at:at] = chance.randbytes(chance.randint(1, 8))
    return bytes(made[:_LONGEST])


_ODD = (
    b"null", b"true", b"[]", b"{}", b'""', b"-1", b"1e999", b"NaN", b"9" * 400, b"9" * 5000, b"\0", b"\xff\xfe", b"\xed\xa0\x80",
    b"[" * 3000, b'{"a":' * 3000, b"<a>" * 3000, b"- " * 3000, b"((" * 3000, b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"&#0;",
    b"%s%n", b"\\u0000", b"\\ud800", "\u0661\u00b2\u2028".encode(), b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-11:00",
    b'{"__class__": []}', b'{"__class__": "Decimal", "decimal": "x"}', b'{"__class__": "date", "year": 0}', b"!!python/object",
    b"&a [*a, *a]", b"'", b'"', b"\\", b"|", b"\r\n",
)  # fmt: skip
