"""What is said of holds, unknown outcomes and silent sources: at once or in a digest, once per cause, whatever crashes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from tests.channels.conftest import Authority, Site, authority, here, site

from tieout.channels.contract import Channel, Partly
from tieout.channels.slack import SlackChannel, SlackConfig
from tieout.channels.webhook import WebhookChannel, WebhookConfig
from tieout.domain.firm import ConnectionSettings, Firm, LegalEntity, ValueTable
from tieout.domain.notices.message import Letter
from tieout.domain.notification import ChannelSettings, Digest, NotificationRule, Selection
from tieout.domain.problems import Misconfigured, Problem, Transient
from tieout.engine.delivery import Deliveries, notify_forever
from tieout.engine.notices import Notices
from tieout.store import cursors, effects, holds, journal, notices, outbox
from tieout.store.database import Database, row, rows
from tieout.store.journal import Claim
from tieout.testing.books import CONNECTIONS, ENTITIES, Books
from tieout.testing.crash import Crashed, FragileDatabase, Fuse

pytestmark = pytest.mark.anyio
__all__ = ("authority", "site")  # fixtures of the channels' room
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HUB = "https://tieout.kestrel.example"
FEEDS = (("salesforce", "opportunity"), ("kantata", "time_entry"))


@dataclass
class Pager:
    """A channel outside that keeps what it is told; `answer` is what it does instead."""

    name: str = "pager"
    edits: bool = False
    letters: list[Letter] = field(default_factory=list)
    answer: Exception | None = None
    late: Exception | None = None
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, letter: Letter) -> str:
        if self.answer is not None:
            raise self.answer
        self.letters.append(letter)
        self.heard.set()
        if self.late is not None:
            raise self.late
        return f"first-{letter.thread[:4]}" if letter.sequence == 1 else ""

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def said(self) -> list[str]:
        return [each.message.title for each in self.letters]


def firm_with(*rules: NotificationRule, channels: Sequence[str] = ("pager",)) -> Firm:
    return Firm(
        name="Kestrel",
        entities=tuple(LegalEntity(code=code, name=name, currency=currency) for code, name, currency in ENTITIES),
        connections={
            name: ConnectionSettings(kind=kind, role=role, entity=entity)  # pyright: ignore[reportArgumentType]
            for name, kind, role, entity in CONNECTIONS
        },
        tables=(ValueTable(name="practice_department", purpose="department"),),
        channels={name: ChannelSettings(kind="webhook") for name in channels},
        notifications=rules,
    )


def rule(**more: Any) -> NotificationRule:
    """At once, of everything but silence: in these stories hours pass in which nothing is read."""
    tells = ("unowned", "promise", "unknown")
    return NotificationRule(**{"name": "finance", "channel": "pager", "cadence": "at_once", "tells": tells, **more})


@dataclass
class Desk:
    """A hub's notices, looked at and sent by hand."""

    books: Books
    firm: Firm
    channel: Channel
    database: Database

    def __post_init__(self) -> None:
        self.notices = self.looking(self.database)
        self.deliveries = self.sending(self.database)

    def looking(self, database: Database) -> Notices:
        channels = {self.channel.name: self.channel}
        return Notices(database, self.books.now, lambda: self.firm, channels, feeds=FEEDS, address=HUB)

    def sending(self, database: Database, *sabotage: str) -> Deliveries:
        channels = {self.channel.name: self.channel}
        return Deliveries(database, self.books.now, lambda: self.firm, channels, frozenset(sabotage))

    async def round(self, **later: float) -> int:
        self.books.moment += timedelta(**later)
        await self.notices.look()
        return await self.deliveries.deliver()

    async def open_holds(self) -> list[dict[str, Any]]:
        async with self.database.transaction() as tx:
            return await rows(tx, "select * from hold where state = 'open' and flow = 'notices'")

    async def messages(self) -> list[dict[str, Any]]:
        async with self.database.transaction() as tx:
            return (await outbox.recent(tx, 50))[::-1]


@pytest.fixture
def pager() -> Pager:
    return Pager()


@pytest.fixture
def desk(books: Books, pager: Pager) -> Desk:
    return Desk(books, firm_with(rule()), pager, books.database)


def no_value(entity: str = "US") -> Problem:
    facts = {"table": "practice_department", "value": "Cloud Data", "entity": entity, "purpose": "department"}
    return Problem("value.missing", facts)


async def held(desk: Desk, count: int = 1, first: int = 1, **more: Any) -> None:
    for number in range(first, first + count):
        await desk.books.held(f"006{number:04}", [no_value(more.get("entity", "US"))], **more)


# -- at once


async def test_a_hold_is_told_once_it_is_due_soon_and_only_once(desk: Desk, pager: Pager) -> None:
    await held(desk, 3)
    assert await desk.round() == 0, "it is due tomorrow"
    assert await desk.round(hours=20, minutes=1) == 1
    assert await desk.round(minutes=5) == 0
    (letter,) = pager.letters
    assert letter.message.title == (
        "Due soon and nobody has it: The value table practice_department lacks a value for US"
    )
    assert letter.message.lines[0] == "3 holds, 300.00 USD."
    assert letter.message.link.startswith(f"{HUB}/holds/H-")
    assert "Cloud Data" not in str(letter.message.body())


async def test_a_hold_that_somebody_has_taken_is_told_when_its_promise_is_about_to_break(
    desk: Desk, pager: Pager
) -> None:
    await held(desk)
    async with desk.database.transaction() as tx:
        (hold,) = await holds.listed(tx)
        await tx.execute("update hold set assignee = 'anna@kestrel.example' where id = %s", (hold["id"],))
    assert await desk.round(hours=21) == 0
    assert await desk.round(hours=2, minutes=30) == 1
    assert pager.said[0].startswith("About to be late: ")
    assert "anna" not in str(pager.letters[0].message.body())


async def test_what_sleeps_and_what_is_over_is_not_told(desk: Desk, pager: Pager) -> None:
    await held(desk, 2)
    async with desk.database.transaction() as tx:
        first, second = await holds.listed(tx)
        await tx.execute(
            "update hold set snoozed_until = %s where id = %s", (desk.books.now() + timedelta(days=9), first["id"])
        )
        await tx.execute(
            "update hold set state = 'resolved', resolved_at = %s where id = %s", (desk.books.now(), second["id"])
        )
    assert await desk.round(hours=30) == 0
    assert pager.letters == []


async def test_a_cause_that_grows_is_told_again_when_it_is_ten_times_as_large(desk: Desk, pager: Pager) -> None:
    await held(desk, 2)
    await desk.round(hours=21)
    await held(desk, 10, first=10)
    assert await desk.round(minutes=5) == 0
    await held(desk, 8, first=30)
    assert await desk.round(minutes=5) == 1
    first, second = pager.letters
    assert (first.thread, first.sequence, second.thread, second.sequence) == (first.thread, 1, first.thread, 2)
    assert second.handle == f"first-{first.thread[:4]}"
    assert second.message.lines[0] == "20 holds, 2,000.00 USD."


async def test_a_channel_that_edits_has_one_message_which_follows_the_cause_to_its_end(
    desk: Desk, pager: Pager
) -> None:
    pager.edits = True
    await held(desk, 2)
    await desk.round(hours=21)
    await held(desk, 1, first=10)
    await desk.round(minutes=5)
    async with desk.database.transaction() as tx:
        await tx.execute("update hold set state = 'resolved', resolved_at = %s", (desk.books.now(),))
    await desk.round(minutes=5)
    assert await desk.round(minutes=5) == 0
    assert [(each.sequence, each.message.event) for each in pager.letters] == [
        (1, "opened"), (2, "changed"), (3, "ended"),
    ]  # fmt: skip
    assert {each.thread for each in pager.letters} == {pager.letters[0].thread}
    assert pager.said[-1] == "Over: The value table practice_department lacks a value for US"


async def test_a_cause_that_comes_back_after_its_end_is_a_new_conversation(desk: Desk, pager: Pager) -> None:
    await held(desk)
    await desk.round(hours=21)
    async with desk.database.transaction() as tx:
        await tx.execute("update hold set state = 'resolved', resolved_at = %s", (desk.books.now(),))
    await desk.round(minutes=5)
    await held(desk, 1, first=2)
    await desk.round(hours=21)
    first, second = pager.letters
    assert (first.cause, second.sequence) == (second.cause, 1)
    assert first.thread != second.thread


async def test_very_many_causes_at_one_moment_are_one_message(desk: Desk, pager: Pager) -> None:
    for number in range(30):
        facts = {"package": f"PKG-{number}", "deal": "Globex", "link": ""}
        await desk.books.held(f"007{number:04}", [Problem("package.unknown", facts)])
    assert await desk.round(hours=21) == 1
    assert pager.said == ["30 things need somebody at the same time"]
    assert await desk.round(minutes=1) == 0


async def test_an_outcome_that_is_unknown_for_half_an_hour_is_told_and_its_end_too(desk: Desk, pager: Pager) -> None:
    pager.edits = True
    async with desk.database.transaction() as tx:
        claim = Claim(
            "key",
            connection="erp-us",
            operation="invoice.propose",
            guarantee="E",
            subject="INV-1",
            version="1",
            run_id="R1",
            entity="US",
            request=b"{}",
            state="unknown",
            now=desk.books.now(),
        )
        await journal.claim(tx, [claim])
    assert await desk.round(minutes=29) == 0
    assert await desk.round(minutes=2) == 1
    assert pager.said == ["Outcome unknown: invoice.propose in erp-us"]
    assert pager.letters[0].message.link == f"{HUB}/systems/erp-us"
    async with desk.database.transaction() as tx:
        await effects.settled(tx, "key", "done", now=desk.books.now())
    assert await desk.round(minutes=1) == 1
    assert pager.letters[1].message.event == "ended"


async def test_a_source_that_cannot_be_read_is_told_but_not_while_the_hub_has_just_started(
    desk: Desk, pager: Pager
) -> None:
    desk.firm = firm_with(rule(tells=("silence",)))
    desk.books.moment += timedelta(days=2)  # the hub was away: nothing was read
    desk.notices = desk.looking(desk.database)
    assert await desk.round(minutes=14) == 0
    async with desk.database.transaction() as tx:
        await cursors.advance(tx, "salesforce", "opportunity", "2026", desk.books.now())
    assert await desk.round(minutes=2) == 1
    assert pager.said == ["Silent source: kantata cannot be read"]


# -- which holds, and for whom


@pytest.mark.parametrize(
    ("selection", "told"),
    [
        ({}, 3),
        ({"entities": ("DE",)}, 1),
        ({"codes": ("package.unknown",)}, 1),
        ({"owners": ("finance master data",)}, 2),
        ({"amount_above": {"USD": "99.99"}}, 3),
        ({"amount_above": {"USD": "100.00"}}, 1),  # EUR has no limit
        ({"amount_above": {"USD": "100.00", "EUR": "100.00"}}, 0),
        ({"due_within_hours": 2}, 0),
        ({"unowned": True}, 3),
    ],
)
async def test_a_rule_tells_of_the_holds_that_it_selects(
    desk: Desk, pager: Pager, selection: dict[str, Any], told: int
) -> None:
    desk.firm = firm_with(rule(holds=Selection.model_validate(selection)))
    await held(desk)
    await held(desk, 1, first=2, entity="DE")
    await desk.books.held("0069999", [Problem("package.unknown", {"package": "X", "deal": "Globex", "link": ""})])
    assert await desk.round(hours=21) == told


async def test_a_rule_tells_at_once_only_what_it_says(desk: Desk, pager: Pager) -> None:
    desk.firm = firm_with(rule(tells=("promise",)))
    await held(desk)
    assert await desk.round(hours=21) == 0
    assert await desk.round(hours=2, minutes=30) == 1


async def test_a_rule_that_leaves_the_folder_falls_silent(desk: Desk, pager: Pager) -> None:
    await held(desk)
    desk.books.moment += timedelta(hours=21)
    await desk.notices.look()
    desk.firm = firm_with()
    assert await desk.round() == 0
    assert [each["state"] for each in await desk.messages()] == ["dropped"]


# -- the digest


async def test_a_digest_has_everything_by_cause_and_comes_once_a_day_at_its_hour(desk: Desk, pager: Pager) -> None:
    digest = Digest(at="08:00", zone="America/New_York")  # 13:00 UTC
    desk.firm = firm_with(rule(cadence="digest", digest=digest))
    await held(desk, 3)
    await held(desk, 1, first=9, entity="DE")
    assert await desk.round() == 0
    assert await desk.round(hours=1) == 1
    assert await desk.round(hours=1) == 0
    (letter,) = pager.letters
    assert letter.message.title == "4 holds waiting, 2026-11-02"
    assert [each.text.partition(":")[0] for each in letter.message.items] == [
        "The value table practice_department lacks a value for US",
        "The value table practice_department lacks a value for DE",
    ]
    assert letter.message.items[0].text.endswith(" EST, unowned")
    assert await desk.round(hours=24) == 1
    assert pager.letters[1].thread != letter.thread


async def test_without_a_hold_there_is_no_digest(desk: Desk) -> None:
    desk.firm = firm_with(rule(cadence="digest", digest=Digest(at="13:00")))
    assert await desk.round(hours=3) == 0
    assert await desk.messages() == []


async def test_two_processes_that_look_at_once_decide_once(desk: Desk, pager: Pager) -> None:
    desk.firm = firm_with(rule(cadence="both", digest=Digest(at="08:00")))
    await held(desk)
    desk.books.moment += timedelta(hours=21)
    others = [desk.looking(desk.database) for _ in range(4)]
    await asyncio.gather(*(each.look() for each in others))
    assert [each["event"] for each in await desk.messages()] == ["opened", "digest"]


async def test_a_preview_says_what_would_be_said_and_changes_nothing(desk: Desk) -> None:
    desk.firm = firm_with(rule(cadence="both", digest=Digest(at="08:00")))
    await held(desk, 2)
    desk.books.moment += timedelta(hours=21)
    for _ in range(2):
        found = [(each.name, message.event) for each, message in await desk.notices.preview()]
        assert found == [("finance", "opened"), ("finance", "digest")]
    assert await desk.messages() == []


# -- sending: at least once, and by one hand


@pytest.fixture
async def program(books: Books, site: Site, authority: Authority) -> AsyncGenerator[Desk, None]:
    """A rule that tells a real receiver of signed webhooks, and a cause that it must be told of."""
    config = WebhookConfig(
        url=SecretStr(f"https://hooks.acme.example:{site.port}/in"), hosts=("hooks.acme.example",),
        secret=SecretStr(SECRET), on_premise=True, ca_file=authority.ca_file,
    )  # fmt: skip
    channel = WebhookChannel("pager", config, look_up=here)
    desk = Desk(books, firm_with(rule()), channel, books.database)
    await held(desk, 2)
    books.moment += timedelta(hours=21)
    await desk.notices.look()
    yield desk
    await channel.close()


def heard(site: Site) -> set[str]:
    """The messages that a receiver knows apart: a repeated id is one it has seen."""
    return {Webhook(SECRET).verify(body, headers)["id"] for _, headers, body in site.requests}


async def two_workers(desk: Desk, *sabotage: str) -> None:
    workers = [desk.sending(desk.database, *sabotage) for _ in range(2)]
    await asyncio.wait_for(asyncio.gather(*(each.deliver() for each in workers)), 20)


@pytest.mark.loopback
async def test_two_workers_send_one_message_once(program: Desk, site: Site) -> None:
    site.hang = 0.2
    await two_workers(program)
    assert len(site.requests) == 1


@pytest.mark.loopback
async def test_saboteur_a_sender_that_does_not_claim_is_caught(program: Desk, site: Site) -> None:
    site.hang = 0.2
    await two_workers(program, "no_claim")
    assert len(site.requests) == 2


async def crash_and_go_on(desk: Desk, when: Any, at: int, *sabotage: str) -> None:
    """A worker dies at its n-th transaction; another one comes when the first has not been heard of for a while."""
    fuse = Fuse()
    fuse.light(at, when)
    fragile = FragileDatabase(desk.database.url, fuse)
    await fragile.open()
    try:
        with pytest.raises(Crashed):
            await desk.sending(fragile, *sabotage).deliver()
    finally:
        await fragile.close()
    desk.books.moment += timedelta(minutes=6)
    await desk.sending(desk.database, *sabotage).deliver()


@pytest.mark.loopback
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_moment_of_sending_loses_nothing_and_the_receiver_knows_the_second_attempt(
    program: Desk, site: Site, when: str, at: int
) -> None:
    await crash_and_go_on(program, when, at)
    assert len(heard(site)) == 1
    # Claim and record are the transactions: only a crash between sending and recording sends twice.
    assert len(site.requests) == (2 if (at, when) == (2, "before") else 1)
    assert [each["state"] for each in await program.messages()] == ["sent"]


@pytest.mark.loopback
async def test_saboteur_an_attempt_with_an_id_of_its_own_is_caught(program: Desk, site: Site) -> None:
    await crash_and_go_on(program, "before", 2, "fresh_id")
    assert len(heard(site)) == 2


@pytest.mark.loopback
async def test_saboteur_a_message_that_is_recorded_before_it_is_sent_is_caught(program: Desk, site: Site) -> None:
    await crash_and_go_on(program, "after", 1, "record_first")
    assert heard(site) == set()


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_while_deciding_leaves_the_decision_to_the_next_look(desk: Desk, pager: Pager, when: str) -> None:
    await held(desk)
    desk.books.moment += timedelta(hours=21)
    fuse = Fuse()
    fuse.light(1, "before" if when == "before" else "after")
    fragile = FragileDatabase(desk.database.url, fuse)
    await fragile.open()
    with pytest.raises(Crashed):
        await desk.looking(fragile).look()
    await fragile.close()
    assert await desk.round() == 1
    assert len(pager.letters) == 1


# -- a channel that fails


async def test_a_channel_that_is_away_is_tried_again_later_and_later(desk: Desk, pager: Pager) -> None:
    await held(desk)
    pager.answer = Transient("no answer (ConnectError)")
    await desk.round(hours=21)
    waits: list[float] = []
    for _ in range(12):
        async with desk.database.transaction() as tx:
            (state,) = await outbox.channels(tx)
        waits.append((state["not_before"] - desk.books.now()).total_seconds())
        assert await desk.deliveries.deliver() == 0, "not before its time"
        desk.books.moment = state["not_before"]
        await desk.deliveries.deliver()
    assert waits[:5] == [5, 10, 20, 40, 80]
    assert max(waits) == waits[-1] == 3600
    pager.answer = None
    assert await desk.round(hours=1) == 2, "what was to be said first, and that it is late by now"
    assert [each.sequence for each in pager.letters] == [1, 2]


async def test_a_channel_waits_as_long_as_it_asks_for(desk: Desk, pager: Pager) -> None:
    await held(desk)
    pager.answer = Transient("HTTP 429", 90)
    await desk.round(hours=21)
    pager.answer = None
    assert await desk.round(seconds=89) == 0
    assert await desk.round(seconds=1) == 1


async def test_a_channel_that_stays_away_becomes_a_hold_and_its_first_success_ends_it(desk: Desk, pager: Pager) -> None:
    await held(desk)
    pager.answer = Transient("no answer (ConnectError)")
    await desk.round(hours=21)
    assert await desk.open_holds() == []
    for _ in range(8):
        await desk.round(minutes=5)
    (hold,) = await desk.open_holds()
    assert (hold["code"], hold["owner"], hold["facts"]["system"]) == (
        "connection.misconfigured", "the integration engineer", "pager",
    )  # fmt: skip
    pager.answer = None
    await desk.round(hours=1)
    assert await desk.open_holds() == []
    async with desk.database.transaction() as tx:
        (state,) = await outbox.channels(tx)
    assert (state["state"], state["failures"], state["waiting"]) == ("well", 0, 0)


async def test_a_channel_that_refuses_is_a_hold_at_once_and_is_tried_again_seldom(desk: Desk, pager: Pager) -> None:
    await held(desk)
    pager.answer = Misconfigured("it was refused: HTTP 404 no_service")
    await desk.round(hours=21)
    (hold,) = await desk.open_holds()
    assert hold["facts"]["reason"] == "it was refused: HTTP 404 no_service"
    pager.answer = None
    assert await desk.round(minutes=14) == 0
    assert await desk.round(minutes=1) == 1
    assert await desk.open_holds() == []


async def test_another_channel_is_told_of_a_channel_that_fails_and_never_the_channel_itself(
    desk: Desk, pager: Pager
) -> None:
    other = Pager("other")
    desk.firm = firm_with(rule(), rule(name="it", channel="other"), channels=("pager", "other"))
    both: dict[str, Channel] = {"pager": pager, "other": other}
    desk.deliveries = Deliveries(desk.database, desk.books.now, lambda: desk.firm, both)
    await held(desk)
    pager.answer = Misconfigured("it was refused: HTTP 404 no_service")
    await desk.round(hours=21)
    await desk.round(minutes=1)
    assert other.said[-1] == "Due soon and nobody has it: pager does not let Tieout in"
    pager.answer = None
    await desk.round(hours=1)
    assert len(pager.said) == 1


async def test_what_reached_some_readers_is_not_sent_again_and_the_others_are_a_hold(desk: Desk, pager: Pager) -> None:
    await held(desk)
    pager.late = Partly("the mail server refused 1 of 2 recipients; the others have it")
    assert await desk.round(hours=21) == 1
    assert len(await desk.open_holds()) == 1
    assert await desk.round(hours=1) == 0
    assert len(pager.letters) == 1


async def test_a_fault_of_ours_stops_one_channel_and_no_other_message(desk: Desk, pager: Pager) -> None:
    await held(desk)
    pager.answer = KeyError("figures")
    await desk.round(hours=21)
    (message,) = await desk.messages()
    assert (message["state"], message["detail"]) == ("waiting", "a fault of Tieout (KeyError)")


async def test_after_an_outage_there_is_one_message_per_cause_with_the_newest_figures(desk: Desk, pager: Pager) -> None:
    pager.edits = True
    pager.answer = Transient("no answer")
    await held(desk, 2)
    await desk.round(hours=21)
    for number in range(6):
        await held(desk, 1, first=10 + number)
        await desk.round(minutes=2)
    pager.answer = None
    await desk.round(hours=1)
    assert [each.message.lines[0] for each in pager.letters] == ["2 holds, 200.00 USD.", "8 holds, 800.00 USD."]


async def test_what_is_over_before_it_could_be_sent_is_not_said(desk: Desk, pager: Pager) -> None:
    await held(desk)
    desk.books.moment += timedelta(hours=21)
    await desk.notices.look()
    async with desk.database.transaction() as tx:
        await tx.execute("update hold set state = 'resolved', resolved_at = %s", (desk.books.now(),))
    assert await desk.round() == 0
    assert [each["state"] for each in await desk.messages()] == ["dropped"]


async def test_a_digest_that_is_a_day_late_is_not_sent_any_more(desk: Desk, pager: Pager) -> None:
    desk.firm = firm_with(rule(cadence="digest", digest=Digest(at="13:00")))
    await held(desk)
    pager.answer = Transient("no answer")
    await desk.round(hours=1)
    pager.answer = None
    desk.books.moment += timedelta(hours=25)
    await desk.deliveries.deliver()
    assert pager.letters == []


@pytest.mark.loopback
async def test_a_channel_that_hangs_keeps_no_other_one_waiting(
    books: Books, site: Site, authority: Authority, pager: Pager
) -> None:
    site.hang = 30
    address = SecretStr(f"https://hooks.slack.com:{site.port}/x")
    slow = SlackChannel("slow", SlackConfig(url=address, on_premise=True, ca_file=authority.ca_file), look_up=here)
    firm = firm_with(rule(name="a", channel="slow"), rule(name="b"), channels=("slow", "pager"))
    desk = Desk(books, firm, pager, books.database)
    both: dict[str, Channel] = {"slow": slow, "pager": pager}
    sending = Deliveries(books.database, books.now, lambda: firm, both)
    await held(desk)
    books.moment += timedelta(hours=21)
    await Notices(books.database, books.now, lambda: firm, both, address=HUB).look()
    hanging = asyncio.create_task(sending.work_off("slow"))
    assert await asyncio.wait_for(sending.work_off("pager"), 5) == 1
    assert not hanging.done()
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    await slow.close()


# -- nothing secret, nothing personal, however it came into a hold


@pytest.mark.loopback
async def test_what_stands_in_a_hold_stays_there(program: Desk, site: Site) -> None:
    canaries = ("Priya Raman", "priya.raman@kestrel.example", "xoxb-canary", "Globex Canary GmbH")
    facts = dict.fromkeys(("person", "person_entity", "entity", "link"), " ".join(canaries))
    await program.books.held("0068888", [Problem("time.entity_differs", facts, quote=" ".join(canaries))])
    program.firm = firm_with(rule(name="all", cadence="both", digest=Digest(at="00:00")))
    await program.round(hours=24)
    sent = b"".join(body for _, _, body in site.requests).decode()
    assert "Somebody of another legal entity worked on a project of a legal entity" in sent
    for canary in canaries:
        assert canary not in sent
        assert json.dumps(canary)[1:-1] not in sent


async def test_while_the_hub_works_it_looks_and_sends_by_itself(desk: Desk, pager: Pager) -> None:
    await held(desk)
    desk.books.moment += timedelta(hours=21)
    working = asyncio.create_task(notify_forever(desk.notices, desk.deliveries, every=timedelta(milliseconds=20)))
    async with asyncio.timeout(10):
        await pager.heard.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert len(pager.letters) == 1


async def test_ten_thousand_holds_are_looked_at_quickly(desk: Desk) -> None:
    await held(desk)
    async with desk.database.transaction() as tx:
        await tx.execute(
            """
            insert into hold (flow, subject, run_id, entity, title, code, cause, facts, amount_minor, currency, owner, opened_at,
                              first_opened_at, due_at)
            select flow, 'S' || n, run_id, entity, title, code, 'cause-' || n % 2000, facts, amount_minor, currency, owner,
                   opened_at, first_opened_at, due_at from hold cross join generate_series(1, 10000) n
            """
        )
        await tx.execute("analyze hold")
    loop = asyncio.get_running_loop()
    began = loop.time()
    await desk.round(hours=1)
    assert loop.time() - began < 3
    async with desk.database.transaction() as tx:
        assert await row(tx, "select count(*) as n from notice") == {"n": 0}
        assert (
            len(
                await notices.causes(
                    tx, Selection(), now=desk.books.now(), soon=desk.books.now(), promise=desk.books.now()
                )
            )
            == 2001
        )
