"""Turns what happened, in the systems and in the hub, into sentences for whoever watches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tieout.cli.demo.box import Box
from tieout.cli.demo.voice import Voice
from tieout.store import watching
from tieout.store.database import Database

# Acts that happen dozens of times a day are counted, not told.
_MANY = {"booked": "day", "submitted": "timesheet", "approved": "timesheet"}
_ACTS = 400


class Narrator:
    """Tells each thing once, in the order in which it happened."""

    def __init__(self, box: Box, database: Database, voice: Voice, since: datetime) -> None:
        self._box = box
        self._database = database
        self._voice = voice
        self._since = since
        self._kickoffs = since
        self._acts = -1

    async def begin(self) -> None:
        """What people did before is not news."""
        self._acts = (await self._box.status())["acts"]

    async def tell(self) -> None:
        """Everything since the last time: first what people did, then what the hub made of it."""
        await self._people()
        await self.hub()

    async def hub(self) -> None:
        """What the hub did, found, and asks of people."""
        async with self._database.transaction() as tx:
            news = await watching.news(tx, self._since)
            kickoffs = await watching.kickoffs(tx, self._kickoffs)
        for each in news:
            if told := _sentence(each):
                self._voice.indent(told, _STYLE.get(each["what"], "dim"))
        for each in kickoffs:
            self._voice.say(
                f"“{each['deal']}”: won → customer → project in ERP and PSA in {each['seconds']:.1f} s", "green"
            )
        self._since = max([self._since, *(each["at"] for each in news)])
        self._kickoffs = max([self._kickoffs, *(each["at"] for each in kickoffs)])

    async def _people(self) -> None:
        told = await self._box.status(_ACTS)
        new = told["acts"] - self._acts
        self._acts = told["acts"]
        acts: Sequence[Mapping[str, Any]] = told["log"][-new:] if new > 0 else []
        for each in acts:
            if each["did"] not in _MANY:
                self._voice.indent(f"{each['who']} {each['did']} {each['what']}", "")
        if counted := _counted(each["did"] for each in acts):
            self._voice.indent(counted, "")


_STYLE = {"opened": "yellow", "resolved": "green", "approval": "yellow"}


def _sentence(news: Mapping[str, Any]) -> str:
    match news["what"]:
        case "customer.create":
            return f"→ customer {news['title']} in {news['where']}"
        case "project.create":
            return f"→ project {news['title']} in {news['where']}"
        case "invoice.propose":
            return f"→ draft invoice {news['title']} in {news['where']}" + (
                f", {news['detail']}" if news["detail"] else ""
            )
        case "opened":
            return f"! {news['where']} waits: {news['detail'].removeprefix('opened: ')}"
        case "resolved":
            return f"✓ {news['where']} “{news['title']}” goes on ({news['detail'].removeprefix('resolved: ')})"
        case _:
            return f"! {news['where']} waits for finance: {news['detail']}"


def _counted(acts: Iterable[str]) -> str:
    counts = Counter(each for each in acts if each in _MANY)
    return ", ".join(f"{number} {_MANY[did]}{'' if number == 1 else 's'} {did}" for did, number in counts.items())
