"""The simulated firm as files, one per kind, row by row; and what was made, in numbers and in money."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from tieout.sandbox.workload.entries import Told, told
from tieout.sandbox.workload.firm import SimulatedFirm

Format = Literal["jsonl", "csv"]
Row = Mapping[str, Any]


@dataclass(slots=True)
class Made:
    """`states` counts what was told by reason, `dirty` entries by what is wrong with them, `approved` is what the last states
    of all entries are worth per currency, the dirty ones' too; `busiest` is the day on which most was told, and its share."""

    projects: int
    people: int
    entries: int = 0
    states: Counter[str] = field(default_factory=Counter[str])
    dirty: Counter[str] = field(default_factory=Counter[str])
    approved: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    days: Counter[str] = field(default_factory=Counter[str])

    def count(self, each: Told) -> None:
        self.states[each.why] += 1
        self.days[each.record["source_version"][:10]] += 1
        if each.last:
            self.entries += 1
            if each.dirt:
                self.dirty[each.dirt] += 1
            if each.record["state"] == "approved":
                worth = each.worth
                self.approved[worth.currency] = self.approved.get(worth.currency, Decimal(0)) + worth.amount

    def summary(self) -> dict[str, Any]:
        day, most = min(self.days.items(), key=lambda each: (-each[1], each[0]))
        told_ = self.days.total()
        return {
            "people": self.people,
            "projects": self.projects,
            "entries": self.entries,
            "states": {"total": told_, **dict(sorted(self.states.items()))},
            "dirty": {"total": self.dirty.total(), **dict(sorted(self.dirty.items()))},
            "approved": {currency: f"{amount:.2f}" for currency, amount in sorted(self.approved.items())},
            "busiest_day": {"day": day, "states": most, "share": round(most / told_, 3)},
        }


def make(firm: SimulatedFirm, folder: Path | None, form: Format) -> Made:
    """Writes the files, or only counts what they would hold when there is no folder. Raises OSError when it cannot."""
    made = Made(projects=firm.shape.projects, people=firm.shape.consultants)
    entries = _counted(firm, made)
    if folder is None:
        for _ in entries:
            pass
        return made
    folder.mkdir(parents=True, exist_ok=True)
    kinds: Mapping[str, Iterable[Row]] = {
        "rate_cards": _rate_cards(firm),
        "people": firm.people(),
        "engagements": _engagements(firm),
        "projects": _projects(firm),
        "tasks": _tasks(firm),
        "time_entries": entries,
    }
    for name, rows in kinds.items():
        _write(folder / f"{name}.{form}", rows, form)
    return made


def _counted(firm: SimulatedFirm, made: Made) -> Iterator[Row]:
    for each in told(firm):
        made.count(each)
        yield each.record


def _write(path: Path, rows: Iterable[Row], form: Format) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        if form == "jsonl":
            file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in rows)
        else:
            writer: csv.DictWriter[str] | None = None
            for each in rows:
                if writer is None:
                    writer = csv.DictWriter(file, list(each), lineterminator="\n")
                    writer.writeheader()
                writer.writerow(each)


def _rate_cards(firm: SimulatedFirm) -> Iterator[Row]:
    for card in firm.cards.values():
        for version in card.versions:
            for role, rate in version.rates.items():
                yield {
                    "card": card.name, "entity": card.entity, "currency": card.currency, "version": version.version,
                    "valid_from": str(version.valid_from), "role": role, "rate": str(rate),
                }  # fmt: skip


def _engagements(firm: SimulatedFirm) -> Iterator[Row]:
    for each in firm.projects():
        yield {
            "engagement": each.engagement, "customer": each.customer, "name": each.name, "entity": each.entity,
            "currency": each.card.currency,
        }  # fmt: skip


def _projects(firm: SimulatedFirm) -> Iterator[Row]:
    for each in firm.projects():
        yield {
            "project": each.key, "engagement": each.engagement, "workspace": each.workspace, "rate_card": each.card.name
        }  # fmt: skip


def _tasks(firm: SimulatedFirm) -> Iterator[Row]:
    for project in firm.projects():
        for each in project.tasks:
            yield {"task": each.key, "project": project.key, "story": each.id, "role": each.role}
