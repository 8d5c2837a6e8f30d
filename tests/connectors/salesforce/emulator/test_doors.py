"""The doors of the org: tokens, the SOAP login, the day's allowance, and what an administrator does."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

HUB = "hub@kestrel.example"
TOKEN = "/services/oauth2/token"
APP = {"client_id": "3MVG9tieout", "client_secret": "s3cret-of-the-app"}
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN = (
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header>{header}</env:Header><env:Body>'
    '<n1:{operation} xmlns:n1="urn:partner.soap.sforce.com">{inside}</n1:{operation}></env:Body></env:Envelope>'
)


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


# -- OAuth


async def test_a_token_opens_the_data_and_tells_whose_it_is(client: Any, org: Any) -> None:
    for form, headers in [
        ({"grant_type": "client_credentials", **APP}, {}),
        ({"grant_type": "client_credentials"}, basic(*APP.values())),
        ({"grant_type": "password", **APP, "username": HUB, "password": "correct horse"}, {}),
        ({"grant_type": "password", **APP, "username": HUB, "password": "correct horseXyZ123"}, {}),
    ]:
        granted = (await client.post(TOKEN, data=form, headers=headers)).json()
        assert granted["instance_url"] == org.public_url
        assert granted["token_type"] == "Bearer"
        user = granted["id"].rsplit("/", 2)
        assert (user[1][:3], user[2][:3]) == ("00D", "005")
        for kind in ("Bearer", "OAuth"):
            authorized = {"Authorization": f"{kind} {granted['access_token']}"}
            assert (await client.get("/services/data/v60.0/limits", headers=authorized)).status_code == 200
        identity = await client.get(granted["id"], params={"oauth_token": granted["access_token"]})
        assert identity.json()["username"] == HUB
        revoked = await client.post("/services/oauth2/revoke", data={"token": granted["access_token"]})
        assert revoked.status_code == 200
        assert (await client.get("/services/data/v60.0/limits", headers=authorized)).status_code == 401


@pytest.mark.parametrize(
    ("form", "headers", "error", "description"),
    [
        ({"grant_type": "client_credentials", **APP, "client_secret": "x"}, {}, "invalid_client", "invalid client credentials"),
        ({"grant_type": "client_credentials", "client_id": "x"}, {}, "invalid_client_id", "client identifier invalid"),
        ({"grant_type": "client_credentials"}, {"Authorization": "Basic %%%"}, "invalid_client", "invalid client credentials"),
        ({"grant_type": "client_credentials", "client_id": "3MVG9tieoutJwt"}, {}, "invalid_client", "invalid client credentials"),
        ({"grant_type": "password", **APP, "username": HUB, "password": "x"}, {}, "invalid_grant", "authentication failure"),
        ({"grant_type": BEARER, "assertion": "x.y.z"}, {}, "invalid_grant", "invalid assertion"),
        ({"grant_type": "shoe"}, {}, "unsupported_grant_type", "grant type not supported"),
        ({}, {}, "unsupported_grant_type", "grant type not supported"),
    ],
)  # fmt: skip
async def test_a_token_request_that_is_refused_says_why(
    client: Any, form: dict[str, str], headers: dict[str, str], error: str, description: str
) -> None:
    refused = await client.post(TOKEN, data=form, headers=headers)
    assert refused.status_code == 400
    assert refused.json() == {"error": error, "error_description": description}


def from_now(seconds: Any) -> Any:
    """An expiry, counted from the moment of the test; text stays text, as one client sends it."""
    if isinstance(seconds, int):
        return int(time.time()) + seconds
    return str(int(time.time()) + int(seconds)) if seconds.isdigit() else seconds


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({}, None),
        ({"exp": "170"}, None),
        ({"aud": "https://test.salesforce.com"}, None),
        ({"aud": "https://elsewhere.example"}, "audience is invalid"),
        ({"exp": -1}, "expired authorization code"),
        ({"exp": 3600}, "expired authorization code"),
        ({"exp": "soon"}, "expired authorization code"),
        ({"iss": "3MVG9tieout"}, "client identifier invalid"),
        ({"sub": "margaret.osei@kestrel.example"}, "user hasn't approved this consumer"),
        ({"sub": "nobody@kestrel.example"}, "user hasn't approved this consumer"),
    ],
)
async def test_a_signed_assertion_is_judged_claim_by_claim(
    client: Any, key: RSAKey, changed: dict[str, Any], error: str | None
) -> None:
    claims = {"iss": "3MVG9tieoutJwt", "sub": HUB, "aud": "https://login.salesforce.com", "exp": from_now(170)}
    if "exp" in changed:
        changed = {"exp": from_now(changed["exp"])}
    assertion = jwt.encode({"alg": "RS256"}, claims | changed, key)
    answer = await client.post(TOKEN, data={"grant_type": BEARER, "assertion": assertion})
    assert answer.json().get("error_description") == error
    forged = jwt.encode({"alg": "RS256"}, claims, RSAKey.generate_key(2048))
    refused = await client.post(TOKEN, data={"grant_type": BEARER, "assertion": forged})
    assert refused.json()["error_description"] == "invalid assertion"


async def test_an_inactive_user_gets_no_token_and_loses_the_ones_they_have(door: Any, client: Any) -> None:
    user = (await door.rows("SELECT Id FROM User WHERE Username = 'margaret.osei@kestrel.example'"))[0]["Id"]
    login = {"username": "margaret.osei@kestrel.example", "password": "sales"}
    granted = (await client.post(TOKEN, data={"grant_type": "password", **APP, **login})).json()
    assert (await door("PATCH", f"/sobjects/User/{user}", {"IsActive": False})).status_code == 204
    refused = await client.post(TOKEN, data={"grant_type": "password", **APP, **login})
    assert refused.json()["error"] == "inactive_user"
    theirs = {"Authorization": f"Bearer {granted['access_token']}"}
    assert (await client.get("/services/data/v60.0/limits", headers=theirs)).status_code == 401


async def test_a_token_is_introspected_and_revoked_once(door: Any, client: Any) -> None:
    token = door.http.headers["Authorization"].partition(" ")[2]
    told = await client.post("/services/oauth2/introspect", data={"token": token, **APP})
    assert (told.json()["active"], told.json()["username"]) == (True, HUB)
    unknown = await client.post("/services/oauth2/introspect", data={"token": "x"}, headers=basic(*APP.values()))
    assert unknown.json() == {"active": False}
    assert (await client.post("/services/oauth2/introspect", data={"token": token})).status_code == 400
    assert (await client.get("/services/oauth2/revoke", params={"token": token})).status_code == 200
    assert (await client.get("/services/oauth2/revoke", params={"token": token})).status_code == 400


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, "INVALID_SESSION_ID"), ({"Authorization": "Bearer x"}, "INVALID_SESSION_ID"),
     ({"Authorization": "Basic eDp5"}, "INVALID_AUTH_HEADER")],
)  # fmt: skip
async def test_data_without_a_session_is_refused_in_an_array(client: Any, headers: dict[str, str], code: str) -> None:
    for address in ("/services/data/v60.0/limits", "/services/oauth2/userinfo"):
        refused = await client.get(address, headers=headers)
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (401, code)


async def test_a_session_ends_two_hours_after_it_was_last_used(door: Any) -> None:
    for _ in range(3):
        door.clock.forward(hours=2)
        assert (await door("GET", "/limits")).status_code == 200
    door.clock.forward(hours=2, seconds=1)
    assert (await door("GET", "/limits")).json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]


# -- SOAP


async def soap(client: Any, operation: str, inside: str = "", *, token: str = "", version: str = "60.0") -> Any:
    header = f"<SessionHeader><sessionId>{token}</sessionId></SessionHeader>" if token else ""
    envelope = LOGIN.format(operation=operation, inside=inside, header=header)
    return await client.post(f"/services/Soap/u/{version}", content=envelope.encode(), headers={"SOAPAction": '""'})


def within(text: str, name: str) -> str:
    return text.partition(f"<{name}>")[2].partition(f"</{name}>")[0]


async def test_older_clients_log_in_by_soap(client: Any, org: Any) -> None:
    answer = await soap(client, "login", f"<username>{HUB.upper()}</username><password>correct horseXyZ123</password>")
    assert answer.status_code == 200
    assert within(answer.text, "passwordExpired") == "false"
    assert within(answer.text, "serverUrl").startswith(f"{org.public_url}/services/Soap/u/60.0/00D")
    token = within(answer.text, "sessionId")
    told = await soap(client, "getUserInfo", token=token)
    assert within(told.text, "userName") == HUB
    stamp = await soap(client, "getServerTimestamp", token=token)
    assert within(stamp.text, "timestamp") == "2026-10-01T09:00:00.000+0000"
    assert (await soap(client, "logout", token=token)).status_code == 200
    assert "INVALID_SESSION_ID" in (await soap(client, "getUserInfo", token=token)).text


@pytest.mark.parametrize(
    ("operation", "inside", "version", "code"),
    [
        ("login", f"<username>{HUB}</username><password>x</password>", "60.0", "INVALID_LOGIN"),
        ("login", "<username>x</username><password></password>", "60.0", "INVALID_LOGIN"),
        ("login", f"<username>{HUB}</username><password>correct horse</password>", "65.0", "INVALID_OPERATION"),
        ("getUserInfo", "", "60.0", "INVALID_SESSION_ID"),
    ],
)
async def test_a_soap_call_that_is_refused_is_a_fault(
    client: Any, operation: str, inside: str, version: str, code: str
) -> None:
    fault = await soap(client, operation, inside, version=version)
    assert fault.status_code == 500
    assert within(fault.text, "sf:exceptionCode") == code
    assert within(fault.text, "faultstring").startswith(f"{code}: ")
    assert within(fault.text, "sf:exceptionMessage") == within(fault.text, "faultstring")


@pytest.mark.parametrize(
    "envelope",
    [b"", b"<a", b"<a/>", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
     b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>'],
)  # fmt: skip
async def test_an_envelope_that_cannot_be_read_is_a_fault(client: Any, envelope: bytes) -> None:
    fault = await client.post("/services/Soap/u/60.0", content=envelope)
    assert (fault.status_code, within(fault.text, "sf:exceptionCode")) == (500, "UNKNOWN_EXCEPTION")


async def test_an_operation_that_this_door_does_not_have_is_a_fault(door: Any, client: Any) -> None:
    token = door.http.headers["Authorization"].partition(" ")[2]
    fault = await soap(client, "convertLead", token=token)
    assert within(fault.text, "sf:exceptionCode") == "INVALID_OPERATION"


# -- versions and limits


async def test_versions_are_listed_for_everybody(client: Any) -> None:
    versions = (await client.get("/services/data")).json()
    assert versions[0] == {"label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0"}
    assert [each["label"] for each in versions if each["version"] in ("32.0", "33.0", "67.0")] == [
        "Winter '15", "Spring '15", "Summer '26",
    ]  # fmt: skip


async def test_the_resources_of_a_version_are_listed(door: Any) -> None:
    resources = (await door("GET", "/services/data/v60.0/")).json()
    assert resources["sobjects"] == "/services/data/v60.0/sobjects"
    assert "/id/00D" in resources["identity"]


async def test_every_data_answer_tells_how_much_of_the_day_is_used(door: Any) -> None:
    first = (await door("GET", "/limits")).headers["Sforce-Limit-Info"]
    refused = (await door("GET", "/nonsense")).headers["Sforce-Limit-Info"]
    assert (first, refused) == ("api-usage=1/15000", "api-usage=2/15000")
    limits = (await door("GET", "/limits")).json()
    assert limits["DailyApiRequests"] == {"Max": 15000, "Remaining": 14997}


async def test_a_day_without_requests_left_is_refused_until_it_is_over(door: Any) -> None:
    await door("GET", "/limits")
    assert (await door("PUT", "/_sandbox/limits", {"daily": 1})).json() == {"daily": 1, "used": 1}
    refused = await door("GET", "/limits")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert refused.headers["Sforce-Limit-Info"] == "api-usage=1/1"
    assert "Retry-After" not in refused.headers
    await door.forward(hours=25)
    assert (await door("GET", "/limits")).status_code == 200


async def test_a_body_that_is_no_json_is_refused(door: Any) -> None:
    address = "/services/data/v60.0/sobjects/Account"
    broken = await door.http.post(address, content=b'{"Name": ', headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    form = await door.http.post(address, data={"Name": "A"})
    assert (form.status_code, form.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    pretty = await door("GET", "/limits", headers={"X-PrettyPrint": "1"})
    assert b'\n  "DailyApiRequests" : {' in pretty.content


# -- administration


async def test_mistakes_of_the_administrator_are_told(client: Any) -> None:
    for method, address, body in [
        ("POST", "/_sandbox/login-as", {"username": "nobody"}),
        ("POST", "/_sandbox/undelete", {"id": "x"}),
        ("POST", "/_sandbox/merge", {"master": "001000000000001AAA", "losers": ["001000000000002AAA"], "as": "nobody"}),
        ("PUT", "/_sandbox/limits", {"daily": "many"}),
        ("PUT", "/_sandbox/limits", {}),
        ("POST", "/_sandbox/outbound-messages", {"object": "Shoe", "url": "http://hub.test"}),
        ("POST", "/_sandbox/outbound-messages", {"object": "Account", "url": "hub.test"}),
        ("POST", "/_sandbox/outbound-messages", {"object": "Account", "url": "http://hub.test", "fields": ["Shoe"]}),
        ("POST", "/_sandbox/outbound-messages/deliver", {}),
    ]:
        refused = await client.request(method, address, json=body)
        assert refused.status_code in (400, 404), address
        assert refused.json()[0]["errorCode"]


# -- restart


async def test_an_org_continues_from_its_file(make_org: Callable[..., Any], clock: Any, tmp_path: Path) -> None:
    import httpx2

    state = tmp_path / "org.sqlite"
    seen: list[Any] = []
    for round_ in range(2):
        org = make_org(state=state, public_url="http://org.test")
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(org.asgi()), base_url="http://org.test") as client:
            token = (await client.post("/_sandbox/login-as", json={"username": HUB})).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            fields = {"Name": f"Round {round_}", "AnnualRevenue": 7, "ERP_Customer_Id__c": f"C-{round_}"}
            made = await client.post("/services/data/v60.0/sobjects/Account", json=fields)
            assert made.status_code == 201
            rows = await client.get(
                "/services/data/v60.0/query", params={"q": "SELECT Id, Name, AnnualRevenue, CreatedDate FROM Account"}
            )
            twice = await client.post(
                "/services/data/v60.0/sobjects/Account", json={**fields, "ERP_Customer_Id__c": "C-0"}
            )
            assert twice.json()[0]["errorCode"] == "DUPLICATE_VALUE"
            seen.append((org.sessions.organization["Id"], rows.json()["records"]))
        org.close()
        clock.forward(days=1)
    assert seen[0][0] == seen[1][0]
    assert [each["Name"] for each in seen[1][1]] == ["Round 0", "Round 1"]
    assert seen[1][1][0] == seen[0][1][0]
    assert seen[0][1][0]["CreatedDate"] == "2026-10-01T09:00:00.000+0000"


def test_the_clock_of_an_org_may_stand_still_jump_and_run_in_any_zone(make_org: Callable[..., Any], clock: Any) -> None:
    org = make_org()
    clock.at = datetime(2026, 10, 2, 1, 0, tzinfo=UTC) + timedelta(microseconds=5)
    assert org.records.now() == datetime(2026, 10, 2, 1, 0, tzinfo=UTC)
    org.close()
