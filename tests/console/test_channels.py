"""The channels stand beneath the systems, and the hold of a channel that fails leads there."""

from __future__ import annotations

import pytest
from tests.console import seed
from tests.console.world import Caller, World

from tieout.domain.notification import ChannelSettings
from tieout.store import outbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"finance-chat": ChannelSettings(kind="slack", owner="IT"), "mail": ChannelSettings(kind="email")}
    monkeypatch.setattr(seed, "KESTREL", seed.KESTREL.model_copy(update={"channels": told}))


@pytest.mark.usefixtures("channels")
async def test_a_channel_that_fails_says_so_on_the_systems_page(world: World, anna: Caller) -> None:
    async with world.database.transaction() as tx:
        await outbox.channel(tx, "finance-chat")
        await outbox.fails(tx, "finance-chat", "broken", "it was refused: <HTTP 404>", seed.NOW, seed.NOW)
    page = await anna.get("/systems")
    assert 'id="channel-finance-chat"' in page
    assert "it was refused: &lt;HTTP 404&gt;" in page
    assert page.count('id="channel-') == 2


@pytest.mark.usefixtures("channels")
async def test_the_address_of_a_channel_leads_to_its_row(anna: Caller) -> None:
    answer = await anna.http.get("/systems/mail")
    assert (answer.status_code, answer.headers["location"]) == (303, "/systems#channel-mail")


async def test_without_channels_there_is_no_table_of_them(anna: Caller) -> None:
    assert "Channels" not in await anna.get("/systems")
