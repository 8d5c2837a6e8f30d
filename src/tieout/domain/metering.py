"""Readings as they come in: each one right or wrong by itself, and new, corrected or known beside what was told before."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from tieout.domain.documents.document import Part
from tieout.domain.documents.usage import Metered, UsageRecord

Outcome = Literal["new", "corrected", "same", "older"]
COLUMNS = tuple(Metered.model_fields)
_NEEDED = tuple(name for name, each in Metered.model_fields.items() if each.is_required())
_FIX = {
    "id": "Give the source's own id of the reading, the same whenever it is sent.",
    "version": "Count the versions of a reading from 1, or leave the version out.",
    "engagement": "Name our key of the deal or its project, or the deal's id in the CRM.",
    "quantity": "Write a number, zero or more, with a point and at most 9 decimals: 12.5.",
    "since": "Write the first day as 2026-10-01, in the month of the last one.",
    "day": "Write the day as 2026-10-31, or a moment as 2026-10-31T23:30:00+01:00.",
}


class UsageRule(Part):
    """Who may send readings: a name that is spelled differently would be a second source of the same usage."""

    sources: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")], ...] = Field(
        default=(),
        description="The systems that meter usage (small letters, digits, hyphens); readings of any other are refused",
    )


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one row, counted from 1: where, what, and how to fix it. `field` is empty for the row as a whole."""

    row: int
    field: str
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Known:
    """What was told before of one reading: its newest version, and what each of its versions said."""

    newest: int
    said: Mapping[int, UsageRecord]


def read(source: str, told: Sequence[Any]) -> tuple[list[UsageRecord], list[Fault]]:
    """Every row as a record, and everything that is wrong with any of them, in their order."""
    records: list[UsageRecord] = []
    faults: list[Fault] = []
    for number, row in enumerate(told, 1):
        try:
            records.append(_record(source, Metered.model_validate(_said(row))))
        except ValidationError as wrong:
            faults += [_fault(number, each["loc"], each["msg"]) for each in wrong.errors()]
    return records, faults


def table(text: str) -> tuple[list[dict[str, str]], list[Fault]]:
    """The rows of a CSV file with a header, separated by commas or semicolons; nothing but faults where it is none."""
    head = text.lstrip("\ufeff").split("\n", 1)[0]
    rows = csv.DictReader(
        io.StringIO(text.lstrip("\ufeff")), delimiter=";" if head.count(";") > head.count(",") else ","
    )
    names = [each.strip() for each in rows.fieldnames or ()]
    faults = [
        Fault(1, each, f"there is no column {each}", f"Add it; the columns are {', '.join(COLUMNS)}.")
        for each in _NEEDED
        if each not in names
    ]
    faults += [
        Fault(1, each, f"nobody knows a column “{each}”", f"Take it away; the columns are {', '.join(COLUMNS)}.")
        for each in names
        if each not in COLUMNS
    ]
    if faults:
        return [], faults
    rows.fieldnames = names
    found: list[dict[str, str]] = []
    for number, each in enumerate(rows, 1):
        if None in each or None in each.values():
            faults.append(
                Fault(number, "", "it has more or fewer fields than the header", "Give each column one field.")
            )
        else:
            found.append({name: value.strip() for name, value in each.items()})
    return found, faults


def compared(
    records: Sequence[UsageRecord], known: Mapping[str, Known], *, sabotage: frozenset[str] = frozenset()
) -> tuple[list[tuple[UsageRecord, Outcome]], list[Fault]]:
    """What each record is beside what was told before, with its version; and what cannot be told that way.

    A version never says two things: who corrects a reading counts on. `version` 0 is one that was left out.
    """
    found: list[tuple[UsageRecord, Outcome]] = []
    faults: list[Fault] = []
    here: dict[str, dict[int, int]] = {}
    for number, each in enumerate(records, 1):
        before = known.get(each.source_id)
        version = each.version or _next(each, before)
        rows = here.setdefault(each.source_id, {})
        twice = rows.get(each.version) or (min(rows.values()) if rows and 0 in (each.version, *rows) else None)
        rows.setdefault(each.version, number)
        if twice is not None:
            what = f"“{each.source_id}” stands here twice, in row {twice} before"
            faults.append(Fault(number, "id", what, "Keep one, or give each its version."))
            continue
        record = each.model_copy(update={"version": version})
        said = None if before is None else before.said.get(version)
        if said is not None and said.says() != record.says() and "overwrite" not in sabotage:
            what = f"version {version} of “{each.source_id}” says {_differ(said, record)}"
            faults.append(Fault(number, "version", what, f"Send it as version {before.newest + 1}."))  # pyright: ignore[reportOptionalMemberAccess]
            continue
        if before is None:
            found.append((record, "new"))
        elif said is not None:
            found.append((record, "same"))
        else:
            found.append((record, "corrected" if version > before.newest else "older"))
    return found, faults


def _record(source: str, row: Metered) -> UsageRecord:
    return UsageRecord(
        key=f"{source}/{row.id}", source=source, source_id=row.id, version=row.version or 0, engagement=row.engagement,
        package=row.package.strip(), meter=row.meter, quantity=row.quantity.normalize() + 0, unit=row.unit,
        since=row.since, day=row.day,
    )  # fmt: skip


def _said(row: Any) -> Any:
    """Without what is empty: a file has a field for every column. What is no row at all, the model refuses."""
    return {name: value for name, value in row.items() if value != ""} if isinstance(row, dict) else row  # pyright: ignore[reportUnknownVariableType]


def _next(record: UsageRecord, before: Known | None) -> int:
    if before is None:
        return 1
    return before.newest if before.said[before.newest].says() == record.says() else before.newest + 1


def _differ(was: UsageRecord, now: UsageRecord) -> str:
    """The first thing that two records say differently."""
    before, after = was.says(), now.says()
    name = next(each for each in before if before[each] != after[each])
    return f"{name} {after[name]}, and said {before[name]} before"


def _fault(number: int, place: Sequence[int | str], message: str) -> Fault:
    field = str(place[0]) if place else ""
    fix = _FIX.get(field, "Correct it as the message says." if field in COLUMNS or not field else "Leave it out.")
    return Fault(number, field, message.removeprefix("Value error, "), fix)
