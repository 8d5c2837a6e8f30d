"""The lines of an invoice: a task's hours at one rate, or one fee; each with its evidence beneath it, its residue named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tieout.domain.documents.billing import InvoiceLine
from tieout.domain.documents.project import Project
from tieout.domain.money import Money, Rounding, total
from tieout.domain.rating import Work, price

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proved:
    """A line, what the evidence leaves of its amount, and the rows of its evidence."""

    line: InvoiceLine
    rounding: Decimal
    evidence: Sequence[Mapping[str, Any]]


def time_lines(work: Sequence[Row], project: Project, period: str, rounding: Rounding) -> Iterator[Proved]:
    """One line for each task and rate, and for each sale that the task belonged to."""
    groups: dict[tuple[str, Decimal, str], list[Row]] = defaultdict(list)
    for each in work:
        groups[each["task"], each["agreed_rate"], each.get("sold", "")].append(each)
    names = {task.key: task.name for task in project.tasks}
    for (task, rate, _), rows in sorted(groups.items()):
        money = Money(rate, project.currency)
        parts = [Work(str(i), int(each["minutes"]), money, each.get("amount")) for i, each in enumerate(rows)]
        priced = price(parts, rounding)
        role = rows[0]["role"]
        line = InvoiceLine(
            key="",
            task=task,
            role=role,
            description=f"{project.name}: {names.get(task, task)}, {role}, {period}",
            quantity=priced.quantity,
            unit_price=priced.rate.amount,
            amount=priced.line.amount,
            department=project.department,
        )
        yield Proved(line, priced.rounding.amount, [_hours(rows[int(i)], part) for i, part in priced.parts])


def other_lines(work: Sequence[Row], project: Project) -> Iterator[Proved]:
    """One line for each thing that is no hours: one unit of its product, at what it is worth; negative where it is credited.

    Usage that was measured anew has two: what was billed is taken back, and what it is now is billed. So has what belongs to
    another sale than when it was billed: no event stands twice beneath one line.
    """
    groups: dict[tuple[str, str, str, str, Decimal], list[Row]] = defaultdict(list)
    for each in work:
        whole = Decimal(each["basis"].get("whole", 0))
        groups[each["connection"], each["source_id"], each["why"], each["sold"], whole].append(each)
    for (_, _, why, _, _), rows in sorted(groups.items()):
        first = rows[0]
        amount = total((each["amount"] for each in rows), project.currency).amount
        part = f" ({why})" if why else ""
        line = InvoiceLine(
            key="",
            kind=first["kind"],
            product=first["basis"]["product"],
            task="",
            role="",
            description=f"{project.name}: {first['basis']['name']}{part}",
            quantity=Decimal(-1 if amount < 0 else 1),
            unit_price=abs(amount),
            amount=amount,
            department=project.department,
            taxed=first["basis"].get("taxed") != "no",
        )
        yield Proved(line, Decimal(0), [_other(each) for each in rows])


def _hours(row: Row, part: Money) -> dict[str, Any]:
    same = (
        "connection", "source_id", "person", "task", "work_date", "approved_by", "approved_at", "contract_version",
        "rate_card", "rate_card_version", "mapping",
    )  # fmt: skip
    return {
        "kind": "time",
        "basis": {},
        "entry_version": row["version"],
        "minutes": int(row["minutes"]),
        "amount": part.amount,
        "rate": row["agreed_rate"],
        "sold": row.get("sold", ""),
        "worth": row.get("worth", part.amount),
        "agreed": row.get("agreed", row["agreed_rate"]),
        "why": row.get("why", ""),
        **{name: row[name] for name in same},
    }


def _other(row: Row) -> dict[str, Any]:
    """Evidence that is no time entry: who worked, approved and at which rate stays empty, `basis` says what it stands on."""
    same = ("kind", "connection", "source_id", "sold", "work_date", "contract_version", "worth", "why", "basis")
    nothing = dict.fromkeys(("entry_version", "person", "task", "approved_by", "rate_card", "mapping"), "")
    return {
        **nothing,
        "minutes": 0,
        "amount": row["amount"].amount,
        "rate": None,
        "agreed": None,
        "approved_at": None,
        "rate_card_version": 0,
        **{name: row[name] for name in same},
    }
