"""Outbound Messages: after a commit the org posts SOAP notifications, again and again until they are acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2

from tieout.connectors.salesforce.emulator.failures import refusal
from tieout.connectors.salesforce.emulator.identifiers import new_id
from tieout.connectors.salesforce.emulator.notifications import Envelope, acknowledged
from tieout.connectors.salesforce.emulator.records import Change, Records, Row
from tieout.connectors.salesforce.emulator.saving import field_of
from tieout.connectors.salesforce.emulator.soql.answering import Asker
from tieout.connectors.salesforce.emulator.soql.parser import parse
from tieout.connectors.salesforce.emulator.wire import instant_text, read_instant

_PER_MESSAGE = 100
_FIRST_WAIT, _LONGEST_WAIT, _GIVE_UP = timedelta(seconds=15), timedelta(hours=2), timedelta(hours=24)
_FACT = "outbound"


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """What an administrator set up: which changes of an object are told to which address, with which fields.

    `where` is a SOQL condition; with `newly_met` only a change that makes it true counts. `duplicate` posts every
    message twice and `reverse` the newest first: both happen in real orgs, and receivers must not care.
    """

    id: str
    object: str
    fields: Sequence[str]
    url: str
    where: str = ""
    newly_met: bool = False
    duplicate: bool = False
    reverse: bool = False


@dataclass(slots=True)
class _Pending:
    """A notification that nobody has acknowledged. `since` and `due` are instants as text."""

    id: str
    message: str
    record: str
    since: str
    due: str
    attempts: int = 0


class OutboundMessages:
    """Queues notifications with each commit and delivers them; both survive a restart of the org."""

    def __init__(self, records: Records, organization: Callable[[], str], public_url: Callable[[], str]) -> None:
        self._records = records
        self._organization = organization
        self._public_url = public_url
        kept: dict[str, Any] = records.fact(_FACT) or {"messages": [], "pending": []}
        self._messages = [OutboundMessage(**each) for each in kept["messages"]]
        self._pending = [_Pending(**each) for each in kept["pending"]]
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()
        records.on_commit(self._queue)

    # -- set up

    def define(self, settings: dict[str, Any]) -> OutboundMessage:
        """A new outbound message. Raises Refusal for an object, a field or a condition that does not exist."""
        entity = self._records.schema.find(str(settings.get("object", "")))
        url = str(settings.get("url", ""))
        if entity is None or not url.startswith(("http://", "https://")):
            raise refusal("INVALID_TYPE", "object and url are required, and the url must be absolute")
        fields = [field_of(entity, str(each)).name for each in settings.get("fields") or ["Id"]]
        number = self._records.next_number("outbound message")
        message = OutboundMessage(
            new_id("04k", "xx", number), entity.name, list(dict.fromkeys(["Id", *fields])), url,
            where=str(settings.get("where") or ""),
            newly_met=bool(settings.get("newly_met")),
            duplicate=bool(settings.get("duplicate")),
            reverse=bool(settings.get("reverse")),
        )  # fmt: skip
        for row in self._records.all(entity):
            self._meets(message, row)  # refuses a condition that cannot be read
            break
        self._messages.append(message)
        self._keep()
        return message

    def remove(self, message_id: str) -> bool:
        known = [each for each in self._messages if each.id != message_id]
        gone = len(known) < len(self._messages)
        self._messages = known
        self._pending = [each for each in self._pending if each.message != message_id]
        self._keep()
        return gone

    def overview(self) -> dict[str, Any]:
        return {
            "messages": [asdict(each) for each in self._messages],
            "pending": [asdict(each) for each in self._pending],
        }

    def _keep(self) -> None:
        self._records.keep(_FACT, self.overview())

    # -- queue

    def _queue(self, changes: Sequence[Change]) -> None:
        now = instant_text(self._records.now())
        fired = [(message, change) for message in self._messages for change in changes if self._fires(message, change)]
        for message, change in fired:
            number = self._records.next_number("notification")
            self._pending.append(_Pending(new_id("04l", "xx", number), message.id, change.id, since=now, due=now))
        if fired:
            self._keep()
            self._news.set()

    def _fires(self, message: OutboundMessage, change: Change) -> bool:
        if change.entity.name != message.object or change.after["IsDeleted"] or not self._meets(message, change.after):
            return False
        return not (message.newly_met and change.before is not None and self._meets(message, change.before))

    def _meets(self, message: OutboundMessage, row: Row) -> bool:
        if not message.where:
            return True
        query = parse(f"SELECT Id FROM {message.object} WHERE {message.where}")  # noqa: S608 - this is no SQL
        return Asker(self._records, "", ZoneInfo("UTC")).matches(query, row)

    # -- delivery

    async def run(self, client: httpx2.AsyncClient) -> None:
        """Deliver whatever is due, for ever; retries wait for the org's clock, which is looked at every second."""
        while True:
            await self.deliver(client)
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._news.wait()

    async def deliver(self, client: httpx2.AsyncClient, *, at_once: bool = False) -> int:
        """Post what is due (`at_once`: everything); how many notifications were acknowledged."""
        async with self._turn:
            done = 0
            for message, batch in list(self._batches(at_once=at_once)):
                acknowledged_now = await self._post(client, message, batch)
                if acknowledged_now and message.duplicate:
                    await self._post(client, message, batch)
                self._settle(batch, acknowledged_now)
                done += len(batch) if acknowledged_now else 0
            return done

    def _batches(self, *, at_once: bool) -> Iterator[tuple[OutboundMessage, list[_Pending]]]:
        now = self._records.now()
        for message in self._messages:
            due = [
                each
                for each in self._pending
                if each.message == message.id and (at_once or (read_instant(each.due) or now) <= now)
            ]
            if message.reverse:
                due.reverse()
            for start in range(0, len(due), _PER_MESSAGE):
                yield message, due[start : start + _PER_MESSAGE]

    async def _post(self, client: httpx2.AsyncClient, message: OutboundMessage, batch: Sequence[_Pending]) -> bool:
        """Content is the record as it is now, not as it was when the message was queued."""
        entity = self._records.schema[message.object]
        rows = [(each.id, self._records.get(entity, each.record)) for each in batch]
        envelope = Envelope(self._organization(), message.id, self._public_url(), entity, message.fields)
        body = envelope.text([(number, row) for number, row in rows if row is not None])
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        try:
            response = await client.post(message.url, content=body.encode(), headers=headers)
        except httpx2.HTTPError:
            return False
        return response.status_code == 200 and acknowledged(response.content)

    def _settle(self, batch: Sequence[_Pending], acknowledged_now: bool) -> None:
        now = self._records.now()
        finished: set[str] = set()
        for each in batch:
            each.attempts += 1
            wait = min(_FIRST_WAIT * 2 ** min(each.attempts - 1, 12), _LONGEST_WAIT)
            each.due = instant_text(now + wait)
            if acknowledged_now or now - (read_instant(each.since) or now) > _GIVE_UP:
                finished.add(each.id)
        self._pending = [each for each in self._pending if each.id not in finished]
        self._keep()
