"""Tokens: how the hub gets one, when it gets another, and what it says when it gets none."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from joserfc.jwk import RSAKey
from pydantic import SecretStr, ValidationError

from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.domain.identity import Ref
from tieout.domain.problems import Misconfigured, Transient
from tieout.sandbox.faults import Match, Rule

pytestmark = pytest.mark.anyio

JWT = {"auth": "jwt_bearer", "client_id": "3MVG9tieoutJwt", "client_secret": None, "username": "hub@kestrel.example"}
TOKENS = Match(path="/oauth2/token")


async def test_client_credentials_and_a_signed_assertion_both_open_the_door(open_hub: Any, key: RSAKey) -> None:
    pem = SecretStr(key.as_pem(private=True).decode())
    for hub in (open_hub(), open_hub(**JWT, private_key=pem)):
        assert (await hub.check()).user == "hub@kestrel.example"
        await hub.close()


async def test_an_expired_token_is_renewed_in_passing(door: Any, hub: Any, client: Any) -> None:
    deal = await door.deal()
    assert await hub.look(Ref("salesforce", "opportunity", deal)) is not None
    assert (await client.request("DELETE", "/_sandbox/sessions")).json()["expired"] >= 1
    assert await hub.look(Ref("salesforce", "opportunity", deal)) is not None


async def test_of_many_tasks_with_an_expired_token_one_logs_in_for_all(hub: Any, client: Any, faults: Any) -> None:
    await hub.check()
    await client.request("DELETE", "/_sandbox/sessions")
    counted = faults.add(Rule(kind="latency", seconds=0, times=None, match=TOKENS))
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(hub.check)
    (rule,) = [each.shown() for each in faults._rules if each.id == counted]
    assert rule["hits"] == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"client_id": "unknown"}, "invalid_client_id"),
        ({"client_secret": SecretStr("wrong")}, "invalid_client: invalid client credentials"),
        (
            {**JWT, "username": "margaret.osei@kestrel.example", "private_key": "pem"},
            "user hasn't approved this consumer",
        ),
        ({**JWT, "audience": "https://elsewhere.example", "private_key": "pem"}, "audience is invalid"),
        ({**JWT, "private_key": "another"}, "invalid assertion"),
        ({**JWT, "private_key": "no key"}, "no RSA key in PEM form"),
    ],
)
async def test_credentials_that_are_refused_name_the_reason(
    open_hub: Any, key: RSAKey, settings: dict[str, Any], told: str
) -> None:
    keys = {"pem": key, "another": RSAKey.generate_key(2048)}
    if chosen := settings.get("private_key"):
        pem = keys[chosen].as_pem(private=True).decode() if chosen in keys else chosen
        settings = {**settings, "private_key": SecretStr(pem)}
    hub = open_hub(**settings)
    with pytest.raises(Misconfigured, match=told) as wrong:
        await hub.check()
    assert wrong.value.args[1] == "salesforce"
    await hub.close()


async def test_a_token_endpoint_that_is_down_is_waited_for(hub: Any, faults: Any) -> None:
    for rule in (Rule(kind="status", status=503), Rule(kind="lost_answer"), Rule(kind="timeout_before")):
        faults.add(rule.model_copy(update={"match": TOKENS}))
        with pytest.raises(Transient):
            await hub.check()
    assert (await hub.check()).ok


async def test_a_token_endpoint_that_speaks_no_oauth_is_the_wrong_address(hub: Any, faults: Any) -> None:
    faults._bodies = {"404": ("text/html", b"<html>not found</html>"), "error_in_200": ("application/json", b"[]")}
    faults.add(Rule(kind="status", status=404, match=TOKENS))
    with pytest.raises(Misconfigured, match="HTTP 404: <html>"):
        await hub.check()
    faults.add(Rule(kind="error_in_200", match=TOKENS))
    with pytest.raises(Misconfigured, match="HTTP 200"):
        await hub.check()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"client_secret": None}, "client_credentials needs client_secret"),
        ({"auth": "jwt_bearer", "username": "a@b.example"}, "jwt_bearer needs username and private_key"),
        ({"version": "31.0"}, "version"),
        ({"url": "acme.my.salesforce.com"}, "url"),
        ({"organization_id": "12345"}, "organization_id"),
        ({"webhook_secret": "whsec_%%%"}, "must be whsec_ and base64"),
        ({"shoe_size": 4}, "shoe_size"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(settings: dict[str, Any], told: str) -> None:
    whole = {"url": "https://acme.my.salesforce.com", "client_id": "id", "client_secret": "secret", **settings}
    with pytest.raises(ValidationError, match=told):
        SalesforceConfig.model_validate(whole)


def test_no_secret_is_shown(key: RSAKey) -> None:
    config = SalesforceConfig.model_validate(
        {
            "url": "https://a.my.salesforce.com",
            "client_id": "id",
            "client_secret": "hidden-1",
            "doorbell_secret": "hidden-2",
        }
    )
    assert "hidden" not in repr(config)
    assert "hidden" not in config.model_dump_json()
