"""Programs read who is told of what, how the channels do, and what was said last."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tieout.domain.notices.message import Message
from tieout.domain.notification import ChannelSettings, NotificationRule
from tieout.store import notices, outbox

pytestmark = pytest.mark.anyio


async def test_rules_channels_and_the_newest_messages_are_read(site: Any) -> None:
    services = site.app.state.services
    rule = NotificationRule(name="finance", channel="chat", cadence="at_once")
    channels = {
        "chat": ChannelSettings(kind="slack", owner="it@kestrel.example"),
        "mail": ChannelSettings(kind="email"),
    }
    firm = services.firm().model_copy(update={"channels": channels, "notifications": (rule,)})
    site.app.state.services = replace(services, firm=lambda: firm)
    now = site.books.now()
    async with site.books.database.transaction() as tx:
        notice = await notices.begin(
            tx,
            rule="finance",
            channel="chat",
            cause="value.missing:1",
            thread="t",
            reason="unowned",
            count=2,
            amounts=(),
            now=now,
        )
        assert notice is not None
        await notices.say(tx, notice, "chat", Message("opened", "Due soon", (), "https://hub/holds/H-1"), now)
        await outbox.channel(tx, "chat")
        await outbox.fails(tx, "chat", "broken", "it was refused: HTTP 404 no_service", now, now)
    found = (await site.ask("viewer", "GET", "/api/v1/notices")).json()
    chat, mail = found["channels"]
    assert (chat["name"], chat["state"], chat["waiting"], chat["owner"]) == ("chat", "broken", 1, "it@kestrel.example")
    assert chat["reason"] == "it was refused: HTTP 404 no_service"
    assert (mail["name"], mail["state"], mail["last_sent_at"]) == ("mail", "well", None)
    assert [each["name"] for each in found["rules"]] == ["finance"]
    (message,) = found["messages"]
    assert (message["rule"], message["sequence"], message["title"], message["state"]) == (
        "finance", 1, "Due soon", "waiting",
    )  # fmt: skip
