"""Doorbells: who rings is proved, what rings twice is one ring, and nothing but ids is taken from a message."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from starlette.requests import Request
from starlette.responses import Response

from tieout.connectors.contract import Bell, Opening, WebhookRefused
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.salesforce.connector import SPEC
from tieout.connectors.salesforce.doorbell import TOKEN_HEADER
from tieout.domain.identity import Ref

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 10, 1, 9, 0, tzinfo=UTC)
ORG = "00Dxx0000000001"
TOKEN = "of-the-door"
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OPEN = {TOKEN_HEADER: TOKEN}


def doorbell(**settings: Any) -> Any:
    given = {
        "url": "https://acme.my.salesforce.com", "client_id": "id", "client_secret": "s", "organization_id": ORG,
        "doorbell_secret": TOKEN, "webhook_secret": SIGNING,
    }  # fmt: skip
    assert SPEC.doorbell is not None
    return SPEC.doorbell(Opening("salesforce", SalesforceConfig.model_validate(given | settings)))


def message(*notifications: tuple[str, str, str], org: str = f"{ORG}AAA", inner: str = "") -> bytes:
    told = "".join(
        f'<Notification><Id>{number}</Id><sObject xsi:type="sf:{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>{record}</sf:Id>{inner}</sObject></Notification>"
        for number, kind, record in notifications
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        f'<notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{org}</OrganizationId>'
        f'<ActionId>04k000000000001AAA</ActionId><SessionId xsi:nil="true"/>{told}</notifications>'
        "</soapenv:Body></soapenv:Envelope>"
    ).encode()


ONE = ("04l000000000001AAA", "Opportunity", "006000000000001AAA")
TWO = ("04l000000000002AAA", "Opportunity", "006000000000002AAA")


def test_several_notifications_ring_for_several_deals_with_one_stable_id() -> None:
    bell = doorbell().verify(OPEN, message(ONE, TWO), NOW)
    assert bell.refs == [Ref("salesforce", "opportunity", each[2]) for each in (ONE, TWO)]
    again = doorbell().verify(OPEN, message(TWO, ONE), NOW + timedelta(days=1))
    assert again.id == bell.id
    assert doorbell().verify(OPEN, message(ONE), NOW).id != bell.id


def test_the_same_deal_twice_in_one_message_is_one_ref() -> None:
    assert len(doorbell().verify(OPEN, message(ONE, (TWO[0], "Opportunity", ONE[2])), NOW).refs) == 1


def test_a_line_rings_for_its_deal_and_other_objects_are_left_to_the_sweep() -> None:
    line = ("04l000000000003AAA", "OpportunityLineItem", "00k000000000001AAA")
    with_deal = message(line, inner=f"<sf:OpportunityId>{ONE[2]}</sf:OpportunityId>")
    assert doorbell().verify(OPEN, with_deal, NOW).refs == [Ref("salesforce", "opportunity", ONE[2])]
    account = ("04l000000000004AAA", "Account", "001000000000001AAA")
    bell = doorbell().verify(OPEN, message(line, account), NOW)
    assert (bell.refs, bool(bell.id)) == ([], True)


@pytest.mark.parametrize(
    ("headers", "body", "why"),
    [
        ({}, message(ONE), "token"),
        ({TOKEN_HEADER: "guessed"}, message(ONE), "token"),
        ({TOKEN_HEADER: "é"}, message(ONE), "token"),
        (OPEN, message(ONE, org="00Dxx0000000009AAA"), "another org"),
        (OPEN, message(ONE, org=""), "another org"),
        (OPEN, message(), "no notification"),
        (OPEN, message(("", "Opportunity", ONE[2])), "no notification"),
        (OPEN, message((ONE[0], "Opportunity", "006' OR Name != '")), "no record id"),
        (OPEN, message((ONE[0], "Opportunity", "")), "no record id"),
        (OPEN, b"", "cannot be read"),
        (OPEN, b"<a>", "cannot be read"),
        (OPEN, b"<a/>", "no Outbound Message"),
        (OPEN, b'{"type": "opportunity.changed", "refs": ["006000000000001AAA"]}', "cannot be read"),
        (OPEN, message(ONE).replace(b"UTF-8", b"no-such-encoding"), "cannot be read"),
        (OPEN, message(ONE).replace(b"?>", b'?><!DOCTYPE a SYSTEM "http://evil.example/a.dtd">', 1), "DOCTYPE"),
        (OPEN, message(ONE).replace(b"?>", b'?><!DOCTYPE a [<!ENTITY x "006">]>', 1), "DOCTYPE"),
        (OPEN, message(ONE) + b" " * (4 * 1024 * 1024), "bytes, more than"),
    ],
)  # fmt: skip
def test_a_forged_or_broken_message_is_refused(headers: dict[str, str], body: bytes, why: str) -> None:
    with pytest.raises(WebhookRefused, match=why):
        doorbell().verify(headers, body, NOW)


def test_without_a_configured_org_no_message_is_believed() -> None:
    with pytest.raises(WebhookRefused, match="organization_id is not configured"):
        doorbell(organization_id="").verify(OPEN, message(ONE), NOW)


def test_without_a_configured_token_the_secret_of_the_address_has_to_do() -> None:
    assert doorbell(doorbell_secret=None).verify({}, message(ONE), NOW).refs


# -- signed calls


def signed(body: bytes, at: datetime = NOW, secret: str = SIGNING, bell_id: str = "msg_1") -> dict[str, str]:
    return {
        "webhook-id": bell_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": f"v1,AAAA {Webhook(secret).sign(bell_id, at, body.decode())}",
    }


CALL = json.dumps({"type": "opportunity.changed", "refs": [ONE[2], TWO[2], ONE[2]]}).encode()


def test_a_signed_call_rings_for_the_records_it_names() -> None:
    refs = [Ref("salesforce", "opportunity", each[2]) for each in (ONE, TWO)]
    expected = Bell("msg_1", refs, hashlib.sha256(CALL).hexdigest())
    assert doorbell().verify(signed(CALL), CALL, NOW) == expected
    assert doorbell().verify(signed(CALL, NOW - timedelta(minutes=4)), CALL, NOW) == expected


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_call_that_was_kept_and_sent_again_later_is_refused(minutes: int) -> None:
    with pytest.raises(WebhookRefused, match="too long ago, or in the future"):
        doorbell().verify(signed(CALL), CALL, NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("secret", ["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
def test_another_secret_another_body_and_another_id_are_refused(secret: str) -> None:
    for headers, body in [
        (signed(CALL, secret=secret), CALL),
        (signed(CALL), CALL.replace(b"006000000000001", b"006000000000003")),
        (signed(CALL) | {"webhook-id": "msg_2"}, CALL),
        (signed(CALL) | {"webhook-signature": ""}, CALL),
        (signed(CALL) | {"webhook-signature": "v1,é"}, CALL),
    ]:
        with pytest.raises(WebhookRefused, match="the signature is missing or wrong"):
            doorbell().verify(headers, body, NOW)


def test_a_call_without_id_or_moment_or_configured_secret_is_refused() -> None:
    for name, value in [("webhook-id", ""), ("webhook-timestamp", "soon"), ("webhook-timestamp", "")]:
        with pytest.raises(WebhookRefused, match="is missing"):
            doorbell().verify(signed(CALL) | {name: value}, CALL, NOW)
    with pytest.raises(WebhookRefused, match="webhook_secret is not configured"):
        doorbell(webhook_secret=None).verify(signed(CALL), CALL, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"no json", b"[]", b"{}", b'{"type": "opportunity.changed", "refs": []}', b'{"type": "shoe", "refs": ["006000000000001"]}',
        b'{"type": "opportunity.changed", "refs": "006000000000001"}', b'{"type": "opportunity.changed", "refs": [{"id": 1}]}',
        json.dumps({"type": "opportunity.changed", "refs": ["006000000000001"] * 201}).encode(),
    ],
)  # fmt: skip
def test_a_signed_call_that_names_nothing_readable_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        doorbell().verify(signed(body), body, NOW)


def test_a_body_that_is_no_text_is_refused_even_when_it_is_signed() -> None:
    body = b'{"type": "\xff'
    signed_bytes = b"msg_1.%d." % NOW.timestamp() + body
    key = base64.b64decode(SIGNING.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, signed_bytes, "sha256")).decode()
    with pytest.raises(WebhookRefused, match="the body must be"):
        doorbell().verify(signed(CALL) | {"webhook-signature": f"v1,{signature}"}, body, NOW)


def test_a_doctype_is_seen_in_every_encoding() -> None:
    for encoding in ("UTF-8", "UTF-16", "ISO-8859-1"):
        text = message(ONE).decode().replace("UTF-8", encoding).replace("?>", "?><!DOCTYPE a [<!ENTITY x 'y'>]>", 1)
        with pytest.raises(WebhookRefused, match="DOCTYPE"):
            doorbell().verify(OPEN, text.encode(encoding), NOW)


# -- with the org


async def test_the_org_rings_until_it_is_acknowledged(make_org: Callable[..., Any], clock: Any) -> None:
    """What the org posts is what the doorbell reads, and what the doorbell answers ends the org's retries."""
    heard: list[Bell] = []
    door = doorbell(organization_id="")

    async def hub(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        headers = {**request.headers, TOKEN_HEADER: request.url.path.rsplit("/", 1)[1]}
        heard.append(door.verify(headers, await request.body(), clock()))
        media_type, body = door.answer()
        failing = len(heard) == 1
        await Response(b"" if failing else body, 500 if failing else 200, media_type=media_type)(scope, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(hub)) as outbound:
        org = make_org(outbound=outbound)
        door = doorbell(organization_id=org.sessions.organization["Id"])
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(org.asgi()), base_url="http://org.test") as http:
            rule = {
                "object": "Opportunity",
                "url": f"http://hub.test/hooks/salesforce/{TOKEN}",
                "where": "IsWon = true",
            }
            assert (await http.post("/_sandbox/outbound-messages", json=rule)).status_code == 200
            token = (await http.post("/_sandbox/login-as", json={"username": "hub@kestrel.example"})).json()
            http.headers["Authorization"] = f"Bearer {token['access_token']}"
            deal = {"Name": "D", "StageName": "Closed Won", "CloseDate": "2026-10-30"}
            made = [
                (await http.post("/services/data/v60.0/sobjects/Opportunity", json=deal)).json()["id"] for _ in range(2)
            ]
            assert (await http.post("/_sandbox/outbound-messages/deliver", json={})).json() == {"acknowledged": 0}
            clock.forward(minutes=1)
            assert (await http.post("/_sandbox/outbound-messages/deliver", json={})).json() == {"acknowledged": 2}
        org.close()
    assert [[ref.id for ref in bell.refs] for bell in heard] == [made, made]
    assert heard[0].id == heard[1].id
    assert re.fullmatch(r"[0-9a-f]{64}", heard[0].id)


def test_secrets_do_not_leak_into_the_reason(caplog: Any) -> None:
    with pytest.raises(WebhookRefused) as refused:
        doorbell(doorbell_secret=SecretStr("hidden")).verify({TOKEN_HEADER: "guess"}, message(ONE), NOW)
    assert "hidden" not in str(refused.value)
