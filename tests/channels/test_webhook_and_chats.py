"""Slack, Teams and signed webhooks, over real sockets with TLS: what is sent, what an answer means, and what is never said."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from tests.channels.conftest import Authority, Site, here, letter

from tieout.channels.slack import SlackChannel, SlackConfig
from tieout.channels.teams import MOST, TeamsChannel, TeamsConfig, posted
from tieout.channels.webhook import WebhookChannel, WebhookConfig
from tieout.domain.notices.message import Item, Message
from tieout.domain.problems import Misconfigured, Transient

pytestmark = [pytest.mark.anyio, pytest.mark.loopback]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FLOW = "prod-1.westeurope.logic.azure.com"


@pytest.fixture
async def channels(site: Site, authority: Authority) -> AsyncGenerator[dict[str, Any], None]:
    guard: dict[str, Any] = {"on_premise": True, "ca_file": authority.ca_file}
    made = {
        "hook": SlackChannel(
            "hook", SlackConfig(url=SecretStr(f"https://hooks.slack.com:{site.port}/services/T0/B0/secret"), **guard), look_up=here
        ),
        "bot": SlackChannel(
            "bot",
            SlackConfig(token=SecretStr("xoxb-secret"), channel="C024BE91L", api=f"https://slack.com:{site.port}/api", **guard),
            look_up=here,
        ),
        "teams": TeamsChannel(
            "teams", TeamsConfig(url=SecretStr(f"https://{FLOW}:{site.port}/workflows/1?sig=secret"), **guard), look_up=here
        ),
        "webhook": WebhookChannel(
            "webhook",
            WebhookConfig(
                url=SecretStr(f"https://hooks.acme.example:{site.port}/in?key=secret"),
                hosts=("hooks.acme.example",),
                secret=SecretStr(SECRET),
                **guard,
            ),
            look_up=here,
        ),
    }  # fmt: skip
    yield made
    for each in made.values():
        await each.close()


async def test_a_slack_webhook_posts_escaped_text_and_a_link(channels: dict[str, Any], site: Site) -> None:
    assert await channels["hook"].send(letter()) == ""
    ((path, headers, body),) = site.requests
    assert (path, headers["host"]) == ("/services/T0/B0/secret", f"hooks.slack.com:{site.port}")
    lines = json.loads(body)["text"].split("\n")
    assert lines[0] == "*Due soon and nobody has it: a &amp; b &lt;c&gt;*"
    assert lines[-2:] == [
        "• <https://tieout.acme.example/holds/H-20418|A field is missing on a deal: 2 holds>",
        "<https://tieout.acme.example/holds/H-20417|Open>",
    ]


async def test_a_slack_bot_changes_its_first_message_when_the_cause_grows(channels: dict[str, Any], site: Site) -> None:
    site.answer(200, json.dumps({"ok": True, "channel": "C024BE91L", "ts": "1401383885.000061"}))
    handle = await channels["bot"].send(letter())
    assert await channels["bot"].send(letter(2, handle=handle)) == handle == "1401383885.000061"
    (first, headers, _), (second, _, changed) = site.requests
    assert (first, second) == ("/api/chat.postMessage", "/api/chat.update")
    assert headers["authorization"] == "Bearer xoxb-secret"
    assert (json.loads(changed)["channel"], json.loads(changed)["ts"]) == ("C024BE91L", handle)


async def test_a_slack_bot_posts_anew_where_its_message_was_deleted(channels: dict[str, Any], site: Site) -> None:
    site.answers = [
        (200, {}, '{"ok": false, "error": "message_not_found"}'),
        (200, {}, '{"ok": true, "ts": "2.0"}'),
    ]
    assert await channels["bot"].send(letter(2, handle="1.0")) == "2.0"
    assert [path for path, _, _ in site.requests] == ["/api/chat.update", "/api/chat.postMessage"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [("invalid_auth", Misconfigured), ("not_in_channel", Misconfigured), ("ratelimited", Transient), ("fatal_error", Transient)],
)  # fmt: skip
async def test_what_slack_s_own_errors_mean(
    channels: dict[str, Any], site: Site, error: str, kind: type[Exception]
) -> None:
    site.answer(200, json.dumps({"ok": False, "error": error}))
    with pytest.raises(kind, match=error):
        await channels["bot"].send(letter())


async def test_a_bot_and_a_program_can_edit_what_was_said_and_the_others_cannot(channels: dict[str, Any]) -> None:
    assert {name: each.edits for name, each in channels.items()} == {
        "hook": False, "bot": True, "teams": False, "webhook": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "settings", [{}, {"token": "xoxb-x"}, {"token": "x", "url": "https://hooks.slack.com/x", "channel": "C"}]
)
def test_slack_needs_exactly_one_way(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="needs"):
        SlackConfig(**settings)


async def test_teams_is_sent_an_adaptive_card_and_its_202_is_a_yes(channels: dict[str, Any], site: Site) -> None:
    site.answer(202)
    assert await channels["teams"].send(letter()) == ""
    ((path, _, body),) = site.requests
    envelope = json.loads(body)
    (attachment,) = envelope["attachments"]
    assert (path, envelope["type"]) == ("/workflows/1?sig=secret", "message")
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["actions"][0]["url"] == "https://tieout.acme.example/holds/H-20417"


def test_a_card_is_never_larger_than_teams_takes() -> None:
    items = tuple(Item("ü" * 900, "https://tieout.acme.example/holds/H-1") for _ in range(40))
    found = posted(Message("digest", "Much", ("A lot.",), "https://tieout.acme.example/holds", items))
    assert 20_000 < len(json.dumps(found, ensure_ascii=False).encode()) <= MOST


async def test_the_address_of_a_retired_office_connector_is_refused(authority: Authority) -> None:
    config = TeamsConfig(url=SecretStr("https://acme.webhook.office.com/webhookb2/x"), on_premise=True)
    channel = TeamsChannel("teams", config, look_up=here)
    with pytest.raises(Misconfigured, match="not one that this channel may connect to"):
        await channel.send(letter())
    await channel.close()


async def test_the_receiver_verifies_a_webhook_and_knows_the_second_attempt_by_its_id(
    channels: dict[str, Any], site: Site
) -> None:
    await channels["webhook"].send(letter(2))
    await channels["webhook"].send(letter(2))
    (_, first, body), (_, second, again) = site.requests
    event = Webhook(SECRET).verify(body, first)
    assert (first["webhook-id"], body) == (second["webhook-id"], again)
    assert (event["id"], event["type"]) == (first["webhook-id"], "tieout.notice.changed")
    assert (event["data"]["cause"], event["data"]["sequence"], event["data"]["count"]) == ("value.missing:17", 2, 17)
    assert {"specversion", "id", "source", "type"} <= event.keys()
    for spoilt in (body.replace(b"17", b"18"), body + b" "):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(spoilt, first)


@pytest.mark.parametrize("secret", ["whsec_c2hvcnQ", "whsec_", "whsec_" + "A" * 200])
def test_a_signing_secret_has_the_length_that_the_standard_asks_for(secret: str) -> None:
    with pytest.raises(ValidationError, match="24 to 64 bytes"):
        WebhookConfig(url=SecretStr("https://a.example"), hosts=("a.example",), secret=SecretStr(secret))


CHATS = ("hook", "bot", "teams", "webhook")


@pytest.mark.parametrize("name", CHATS)
@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, "invalid_payload", Misconfigured),
        (403, "action_prohibited", Misconfigured),
        (404, "no_service", Misconfigured),
        (410, "channel_is_archived", Misconfigured),
        (301, "", Misconfigured),
        (307, "", Misconfigured),
        (408, "", Transient),
        (429, "", Transient),
        (500, "rollup_error", Transient),
        (502, "<html>bad gateway</html>", Transient),
    ],
)
async def test_what_an_answer_means(
    channels: dict[str, Any], site: Site, name: str, status: int, text: str, kind: type[Exception]
) -> None:
    site.answer(status, text, Retry_After="7", Location="http://169.254.169.254/latest/meta-data/")
    with pytest.raises(kind) as refused:
        await channels[name].send(letter())
    said = str(refused.value)
    assert str(status) in said
    assert "secret" not in said
    assert "html" not in said
    assert len(site.requests) == 1, "a redirect is not followed"
    assert kind is Misconfigured or getattr(refused.value, "after", 0) == 7


@pytest.mark.parametrize("name", CHATS)
async def test_an_answer_that_repeats_our_secrets_is_not_repeated(
    channels: dict[str, Any], site: Site, name: str
) -> None:
    site.answer(403, "xoxb-secret is not allowed for priya.raman@acme.example")
    with pytest.raises(Misconfigured) as refused:
        await channels[name].send(letter())
    assert str(refused.value) == "it was refused: HTTP 403"


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(site: Site) -> None:
    address = SecretStr(f"https://hooks.slack.com:{site.port}/x")
    channel = SlackChannel("hook", SlackConfig(url=address, on_premise=True), look_up=here)
    with pytest.raises(Transient):
        await channel.send(letter())
    assert site.requests == []
    await channel.close()


async def test_a_server_that_is_not_there_may_be_there_later(channels: dict[str, Any], site: Site) -> None:
    gone = WebhookChannel(
        "gone",
        WebhookConfig(url=SecretStr("https://127.0.0.1:9/x"), hosts=("127.0.0.1",), secret=SecretStr(SECRET), on_premise=True),
        look_up=here,
    )  # fmt: skip
    with pytest.raises(Transient, match="no answer"):
        await gone.send(letter())
    await gone.close()


async def test_an_answer_without_end_is_cut_off(channels: dict[str, Any], site: Site) -> None:
    site.answer(403, "x" * 10_000_000)
    with pytest.raises(Misconfigured, match="HTTP 403"):
        await channels["hook"].send(letter())
