"""Readings of metered usage from a file: what it would do is shown first, and then it is taken whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.responses import Response

from tieout.console import wording
from tieout.console.pages.events import reading_href
from tieout.console.visit import Denied, Visit
from tieout.domain.access import who_may
from tieout.domain.metering import COLUMNS, Fault, table
from tieout.engine.operator import Refused
from tieout.engine.usage import Corrected, Taken
from tieout.store import usage

# Larger files are for the command line, which needs no browser to hold them.
MOST = 1_000_000
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reading that waits for a person."""

    source: str
    source_id: str
    href: str
    day: date
    quantity: Decimal
    unit: str
    meter: str
    problem: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a file is chosen; `locked` says why this person cannot send one, and is empty where they can."""

    template: ClassVar[str] = "usage.html"

    sources: tuple[str, ...]
    columns: tuple[str, ...]
    locked: str
    waiting: tuple[Waiting, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would do. With `faults`, of which the first are shown, nothing of it can be taken."""

    template: ClassVar[str] = "usage_preview.html"

    name: str
    source: str
    text: str
    rows: int
    faults: tuple[Fault, ...]
    mistakes: int
    outcomes: tuple[tuple[str, int], ...]
    corrected: tuple[Corrected, ...]
    corrections: int
    waits: tuple[tuple[str, int], ...]
    news: int


async def show(visit: Visit) -> Response:
    async with visit.setting.database.transaction() as tx:
        stored = await usage.page(tx, source="", engagement="", problem="any", after=None, limit=_SHOWN + 1)
    return await visit.page(
        Usage(
            sources=visit.setting.firm().usage.sources,
            columns=COLUMNS,
            locked=_locked(visit),
            waiting=tuple(_waiting(each) for each in stored[:_SHOWN]),
            more=len(stored) > _SHOWN,
        )
    )


async def preview(visit: Visit) -> Response:
    """Reads the file and says what it would do; nothing is taken."""
    _may_send(visit)
    chosen, source = (await visit.request.form()).get("file"), (await visit.form()).get("source", "")
    if not isinstance(chosen, UploadFile) or not chosen.filename:
        raise Refused("Choose a file of readings.")
    content = await chosen.read(MOST + 1)
    if len(content) > MOST:
        raise Refused(f"The file has more than {MOST:,} bytes: take it with `tieout usage import`.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("The file is no text in UTF-8: save it as “CSV UTF-8”.") from None
    rows, faults = table(text)
    found = Taken(faults)
    if not faults:
        found = await visit.setting.operator.usage.preview(source, rows, visit.setting.firm().usage)
    return await _previewed(visit, chosen.filename[:200], source, text, rows, found)


async def take(visit: Visit) -> Response:
    """Takes what was shown; where it cannot be taken any more, it says why."""
    _may_send(visit)
    form = await visit.form()
    source, text = form.get("source", ""), form.get("text", "")
    rows, faults = table(text)
    found = Taken(faults)
    if not faults:
        rule = visit.setting.firm().usage
        found = await visit.setting.operator.usage.take(source, rows, rule, via="file", actor=visit.me)
    if found.faults:
        return await _previewed(visit, form.get("name", "")[:200], source, text, rows, found)
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(found.outcomes.items()))
    return visit.done("/usage", f"{wording.count(len(rows), 'reading')} of {source}: {counts}.")


async def _previewed(
    visit: Visit, name: str, source: str, text: str, rows: Sequence[Mapping[str, str]], found: Taken
) -> Response:
    page = Preview(
        name=name,
        source=source,
        text=text,
        rows=len(rows),
        faults=tuple(found.faults[:_SHOWN]),
        mistakes=len(found.faults),
        outcomes=tuple(sorted((str(outcome), count) for outcome, count in found.outcomes.items())),
        corrected=tuple(found.corrected[:_SHOWN]),
        corrections=len(found.corrected),
        waits=tuple(found.waits.items()),
        news=sum(count for outcome, count in found.outcomes.items() if outcome != "same"),
    )
    return await visit.page(page, status=422 if found.faults else 200)


def _may_send(visit: Visit) -> None:
    visit.require("usage.send")
    if visit.entities is not None:
        raise Denied("usage.send for every legal entity", who=who_may("usage.send"))


def _locked(visit: Visit) -> str:
    if not visit.may("usage.send"):
        return f"Sending readings needs the role {who_may('usage.send')}; ask the integration engineer for it."
    if visit.entities is not None:
        return "A source sends for every legal entity: somebody who sees all of them takes its file."
    if not visit.setting.firm().usage.sources:
        return "The firm folder names no source of usage: add it to usage: sources in tieout.yaml."
    return ""


def _waiting(stored: Mapping[str, Any]) -> Waiting:
    same = ("source", "source_id", "day", "quantity", "unit", "meter", "problem")
    told = {name: stored[name] for name in same}
    return Waiting(**told, href=reading_href(stored["source"], stored["source_id"]))
