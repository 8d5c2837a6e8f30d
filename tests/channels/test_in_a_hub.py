"""A whole hub opens the channels of its firm folder, and what waits for a person reaches them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from tests.channels.conftest import Authority, Site

from tieout.app import open_hub
from tieout.channels.webhook import WebhookConfig
from tieout.domain.notification import ChannelSettings, NotificationRule
from tieout.domain.problems import Problem
from tieout.engine.operator import Operator
from tieout.folder.connections import resolve, variables
from tieout.folder.loading import load
from tieout.store.database import Database
from tieout.testing.books import Books

pytestmark = [pytest.mark.anyio, pytest.mark.loopback]
KESTREL = Path(__file__).parents[2] / "src" / "tieout" / "sandbox" / "firm" / "kestrel"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HUB = "https://tieout.kestrel.example"


async def test_the_hub_tells_people_through_the_channels_of_its_folder(
    database: Database, database_url: str, site: Site, authority: Authority
) -> None:
    rule = NotificationRule(name="all", channel="pager", cadence="at_once")
    told = {"pager": ChannelSettings(kind="webhook", settings={"hosts": ["127.0.0.1"], "on_premise": True})}
    firm = load(KESTREL).model_copy(update={"channels": told, "notifications": (rule,)})
    books = Books(database, datetime.now(UTC) - timedelta(hours=21))
    await Operator(database, books.now).apply_firm(firm, actor="setup")
    await books.held("006A", [Problem("package.unknown", {"package": "X", "deal": "Globex", "link": ""})])
    away = {each.name: "1" for each in variables(firm) if each.required and not each.name.endswith("URL")}
    urls = {each.name: "http://127.0.0.1:9" for each in variables(firm) if each.name.endswith("_URL")}
    pager = WebhookConfig(
        url=SecretStr(f"https://127.0.0.1:{site.port}/in"), hosts=("127.0.0.1",), secret=SecretStr(SECRET),
        on_premise=True, ca_file=authority.ca_file,
    )  # fmt: skip
    needed = {"TIEOUT_CONNECTION_SALESFORCE_CLIENT_SECRET": "secret"}
    configs = resolve(firm, {**away, **urls, **needed})
    async with open_hub(database_url, configs, channels={"pager": pager}, address=HUB) as hub:
        await hub.notices.look()
        assert await hub.deliveries.deliver() == 1
    ((_, headers, body),) = site.requests
    event = Webhook(SECRET).verify(body, headers)
    assert event["data"]["title"].startswith("Due soon and nobody has it: A deal sells a service package")
    assert event["data"]["link"].startswith(f"{HUB}/holds/H-")
    assert "Globex" not in body.decode()
