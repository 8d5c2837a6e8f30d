"""Milestones as the hub reads them: accepted, in part, on hold, taken back, deleted, and since which day (T39)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from tieout.connectors.contract import Opening
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.connector import SPEC, Kantata
from tieout.connectors.kantata.emulator import KantataAccount, KantataField
from tieout.domain.documents.milestone import Milestone
from tieout.domain.identity import Ref
from tieout.domain.problems import Misconfigured

from .conftest import FIELDS, Cast, open_connector
from .garbling import Garbling

pytestmark = pytest.mark.anyio
SHARE = "Accepted Share"


@pytest.fixture
def account(make_account: Any) -> KantataAccount:
    return make_account(
        custom_fields=[*FIELDS, KantataField(SHARE, "number", "Story")], time_zone="America/Los_Angeles"
    )


@pytest.fixture
async def hub(account: KantataAccount) -> AsyncIterator[Kantata]:
    async with open_connector(account, accepted_share=SHARE) as connector:
        yield connector


async def milestone(firm: Cast, title: str = "Go-live") -> str:
    project = await firm.project()
    facts = {"workspace_id": project["id"], "title": title, "story_type": "milestone"}
    return (await firm.approver.create("stories", "story", **facts))["id"]


async def say(firm: Cast, story: str, **facts: Any) -> None:
    firm.clock.forward(hours=3)
    await firm.approver.ok("PUT", f"/stories/{story}", {"story": facts})


async def accept(firm: Cast, story: str, percent: int) -> None:
    """The customer accepts a part, which somebody writes into the task's field; the task itself is not touched."""
    firm.clock.forward(hours=3)
    field = firm.id_of("custom_fields", name=SHARE)
    known = await firm.approver.list("/custom_field_values", subject_type="Story", subject_id=story)
    if known:
        body = {"custom_field_value": {"value": percent}}
        await firm.approver.ok("PUT", f"/custom_field_values/{known[0]['id']}", body)
    else:
        facts = {"subject_type": "Story", "subject_id": story, "custom_field_id": field, "value": percent}
        await firm.approver.create("custom_field_values", "custom_field_value", **facts)


async def told(hub: Kantata, since: str | None = None) -> tuple[dict[str, Any], str]:
    """A whole sweep: (state, share, since) of each milestone, the newest."""
    found: dict[str, tuple[str, Any]] = {}
    while True:
        page = await hub.changes("milestone", since)
        for each in page.changes:
            assert each.record is not None
            values = tuple(each.record[name] for name in ("state", "share", "since"))
            found[each.ref.id] = max(found.get(each.ref.id, ("", None)), (each.version, values))
        since = page.cursor
        if not page.more:
            return {record: values for record, (_, values) in found.items()}, since


async def test_completed_is_accepted_since_that_day_and_reopened_is_taken_back_since_this(
    firm: Cast, hub: Kantata
) -> None:
    story = await milestone(firm)
    assert (await told(hub))[0] == {story: ("open", "0", None)}
    await say(firm, story, state="completed")
    found, cursor = await told(hub)
    assert found == {story: ("accepted", "1", "2026-10-05")}
    firm.clock.forward(hours=24)
    await say(firm, story, state="started")
    found, _ = await told(hub, cursor)
    assert found == {story: ("open", "0", "2026-10-06")}
    reading = await hub.read(Ref("kantata", "milestone", story))
    assert reading is not None
    assert isinstance(reading.document, Milestone)
    assert (reading.document.name, reading.document.share) == ("Go-live", Decimal(0))
    assert reading.trail["share"] == {"source": "acceptance.share", "mapping": "kantata.milestone@1"}


async def test_the_day_is_that_of_the_account(firm: Cast, hub: Kantata) -> None:
    story = await milestone(firm)
    firm.clock.forward(hours=10)
    await say(firm, story, state="completed")
    # 5 o'clock in the morning in Greenwich is still the evening before in California.
    assert firm.clock.at.isoformat() == "2026-10-06T05:00:00+00:00"
    assert (await told(hub))[0] == {story: ("accepted", "1", "2026-10-05")}


async def test_the_customer_accepts_in_part_and_then_the_rest(firm: Cast, hub: Kantata) -> None:
    story = await milestone(firm)
    _, cursor = await told(hub)
    firm.clock.forward(hours=1)
    await accept(firm, story, 60)
    found, cursor = await told(hub, cursor)
    assert found == {story: ("accepted", "0.6", "2026-10-05")}
    await accept(firm, story, 0)
    found, cursor = await told(hub, cursor)
    assert found == {story: ("open", "0.0", "2026-10-05")}
    firm.clock.forward(hours=24)
    await accept(firm, story, 100)
    found, cursor = await told(hub, cursor)
    assert found == {story: ("accepted", "1.0", "2026-10-06")}
    by = await hub.read(Ref("kantata", "milestone", story))
    assert by is not None
    assert isinstance(by.document, Milestone)
    assert by.document.accepted_by == "K002"


async def test_progress_is_no_acceptance_and_a_hundred_percent_of_it_completes(firm: Cast, hub: Kantata) -> None:
    story = await milestone(firm)
    await say(firm, story, percentage_complete=80)
    assert (await told(hub))[0] == {story: ("open", "0", None)}
    await say(firm, story, percentage_complete=100)
    assert (await told(hub))[0] == {story: ("accepted", "1", "2026-10-05")}


async def test_what_needs_information_or_says_a_share_that_is_none_is_on_hold(firm: Cast, hub: Kantata) -> None:
    story = await milestone(firm)
    await say(firm, story, state="needs info")
    assert (await told(hub))[0] == {story: ("on_hold", "0", None)}
    await say(firm, story, state="completed")
    await accept(firm, story, 140)
    assert (await told(hub))[0] == {story: ("on_hold", "0", None)}


async def test_a_deleted_milestone_is_told_and_tasks_are_none(firm: Cast, hub: Kantata) -> None:
    story = await milestone(firm)
    found, cursor = await told(hub)
    assert set(found) == {story}, "the project has tasks as well"
    firm.clock.forward(hours=1)
    assert (await firm.approver("DELETE", f"/stories/{story}")).status_code == 204
    page = await hub.changes("milestone", cursor)
    (gone,) = page.changes
    assert gone.deleted
    assert await hub.look(gone.ref) == gone


async def test_a_field_that_the_account_does_not_have_is_said_at_once(firm: Cast, account: KantataAccount) -> None:
    await milestone(firm)
    async with open_connector(account, accepted_share="Accepted so far") as connector:
        with pytest.raises(Misconfigured, match="no custom field “Accepted so far”"):
            await connector.changes("milestone", None)


async def test_more_milestones_than_a_page_holds_are_all_told(firm: Cast, hub: Kantata) -> None:
    project = await firm.project()
    for _ in range(2):
        body = {
            "stories": [
                {"workspace_id": project["id"], "title": f"M{n}", "story_type": "milestone"} for n in range(130)
            ]
        }
        await firm.approver.ok("POST", "/stories", body)
    assert len((await told(hub))[0]) == 260


async def test_a_milestone_that_cannot_be_read_is_told_as_such_and_the_others_pass(firm: Cast) -> None:
    good, bad, undated = [await milestone(firm, name) for name in ("Design", "Go-live", "Hand-over")]
    garbled = {bad: {"deleted_at": "yesterday"}, undated: {"updated_at": "just now"}}
    network = Garbling(httpx2.ASGITransport(firm.account.asgi()), garbled, "stories")
    config = KantataConfig(url="http://kantata.test", token=SecretStr("hub-token"))
    connector: Any = SPEC.open(Opening("kantata", config, {}, network))
    page = await connector.changes("milestone", None)
    told = {each.ref.id: each.record for each in page.changes}
    assert told[good]["state"] == "open"
    assert "Invalid isoformat string: 'yesterday'" in told[bad]["unreadable"]
    assert "Invalid isoformat string: 'just now'" in told[undated]["unreadable"]
    await connector.close()
