"""What was agreed, as pages show it: the versions of a contract by clause, and which of them each system shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tieout.domain.contract_changes import Clause, differences
from tieout.domain.money import Money
from tieout.store.contracts import Versions


@dataclass(frozen=True, slots=True)
class Agreed:
    """One version of the contract: from when it holds, what it is worth, and its clauses that the one before says otherwise."""

    version: int
    effective_from: date
    money: Money
    order: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """The version that a system confirmed last; `project` is its name where the engagement has several."""

    system: str
    project: str
    role: str
    version: int
    agrees: bool
    since: datetime


def agreed(found: Versions) -> tuple[Agreed, ...]:
    """The newest first."""
    return tuple(
        Agreed(
            version=each.version,
            effective_from=each.effective_from,
            money=Money(each.amount, each.currency),
            order=each.order,
            clauses=tuple(differences(before, each)) if (before := found.contract.before(each)) else (),
        )
        for each in reversed(found.contract.versions)
    )


def shown(stored: Mapping[str, Any]) -> Shown:
    agrees = stored["version"] == stored["agreed"]
    return Shown(
        stored["connection"], stored["name"], stored["role"].upper(), stored["version"], agrees, stored["shown_at"]
    )
