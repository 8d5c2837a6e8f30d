"""The technical side of a run: its steps, and its effects with the bytes that were sent and the proof that came back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from tieout.console import wording

_MOST = 6000


@dataclass(frozen=True, slots=True)
class StepRow:
    generation: int
    title: str
    started_at: datetime
    took: timedelta
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One change in a target system; `guarantee` is its class, `promise` what that class means when an answer is lost."""

    key: str
    connection: str
    operation: str
    subject: str
    guarantee: str
    promise: str
    state: str
    attempts: int
    sent_at: datetime
    settled_at: datetime | None
    detail: str
    request: str
    receipt: str
    record: str
    run_href: str


def step_rows(stored: Iterable[Mapping[str, Any]]) -> tuple[StepRow, ...]:
    return tuple(
        StepRow(
            each["generation"],
            each["title"],
            each["started_at"],
            each["ended_at"] - each["started_at"],
            each["outcome"],
            each["detail"],
        )
        for each in stored
    )


def effect_rows(stored: Iterable[Mapping[str, Any]]) -> tuple[EffectRow, ...]:
    return tuple(
        EffectRow(
            key=each["key"],
            connection=each["connection"],
            operation=each["operation"],
            subject=each["subject"],
            guarantee=each["guarantee"],
            promise=wording.GUARANTEES[each["guarantee"]],
            state=each["state"],
            attempts=each["attempts"],
            sent_at=each["sent_at"],
            settled_at=each["settled_at"],
            detail=each["detail"],
            request=readable(bytes(each["request"])),
            receipt=pretty(each["receipt"]) if each["receipt"] else "",
            record=str(each["receipt"]["id"]) if each["receipt"] else "",
            run_href=run_href(each["run_id"]),
        )
        for each in stored
    )


def repeatable(steps: Sequence[Mapping[str, Any]], effects: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """The steps that may be done once more: those in which a write that makes no second one was sent."""
    sent = [each["planned_at"] for each in effects if each["guarantee"] == "B" and each["state"] == "done"]
    titles = [each["title"] for each in steps if any(each["started_at"] <= at <= each["ended_at"] for at in sent)]
    return tuple(dict.fromkeys(titles))


def run_href(run_id: str) -> str:
    return f"/runs/{quote(run_id, safe='/:@')}"


def readable(request: bytes) -> str:
    """The bytes as text: indented where they are JSON, cut where they are long."""
    text = request.decode(errors="replace")
    with suppress(ValueError):
        text = pretty(json.loads(text))
    return text if len(text) <= _MOST else f"{text[:_MOST]}\n… {len(text) - _MOST:,} more characters"


def pretty(anything: Any) -> str:
    return json.dumps(anything, indent=2, ensure_ascii=False, default=str)


def generations(steps: Sequence[StepRow]) -> tuple[tuple[int, tuple[StepRow, ...]], ...]:
    """Steps by generation, the newest generation first."""
    found: dict[int, list[StepRow]] = {}
    for each in steps:
        found.setdefault(each.generation, []).append(each)
    return tuple((number, tuple(found[number])) for number in sorted(found, reverse=True))
