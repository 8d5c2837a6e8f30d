"""Which service packages a deal is made of: lines of a quote become instances whose identity survives a new quote (T04)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tieout.domain.documents.engagement import Contract, ContractLine, Engagement


@dataclass(frozen=True, slots=True)
class Instance:
    """One package as it is quoted; `id` is its own for ever, `package` its code as the quote says it.

    `amount` is in the deal's currency; `start` and `end` are the deal's where the lines say none.
    """

    id: str
    package: str
    amount: Decimal
    start: date | None
    end: date | None
    region: str
    lines: tuple[ContractLine, ...]

    @property
    def hours(self) -> dict[str, Decimal]:
        """Role → hours sold."""
        found: dict[str, Decimal] = {}
        for each in self.lines:
            if each.role and each.hours:
                found[each.role] = found.get(each.role, Decimal(0)) + each.hours
        return found

    @property
    def quantity(self) -> Decimal | None:
        """How many are sold of what is sold by the piece, where the quote says it; of a role's line it counts hours."""
        said = [each.quantity for each in self.lines if each.quantity is not None and not each.role]
        return sum(said, Decimal(0)) if said else None


def is_quoted(deal: Engagement) -> bool:
    """Whether its lines say which packages they belong to."""
    return any(each.package or each.instance for each in deal.lines)


def instances_of(deal: Engagement, *, sabotage: frozenset[str] = frozenset()) -> list[Instance]:
    """In the order of the quote; a deal whose lines name no package is one instance of its own package.

    An instance is what its lines call it (`instance`). Without a name it is its package, and among several bundles of one
    package their position. Row ids never count: every new quote has new ones. A line that names no package belongs to the
    deal's own. One instance alone is worth what the deal is worth, several are worth what their lines are.
    """
    if not is_quoted(deal):
        return [_instance(deal, f"{deal.key}/01", deal.package, deal.lines)]
    groups: dict[tuple[str, str], list[ContractLine]] = {}
    for each in deal.lines:
        package = each.package or deal.package
        groups.setdefault((each.instance, "" if each.instance else f"{package}\n{each.bundle}"), []).append(each)
    found: list[Instance] = []
    seen: Counter[str] = Counter()
    for (name, _), lines in groups.items():
        package = next((each.package for each in lines if each.package), deal.package)
        seen[package] += not name
        position = f"-{seen[package]}" if seen[package] > 1 else ""
        called = lines[0].id if "by_row" in sabotage else name or package + position
        found.append(_instance(deal, f"{deal.key}/{called}", package, tuple(lines)))
    return found


def quoted_otherwise(deal: Engagement, contract: Contract) -> tuple[str, str] | None:
    """Which packages a won deal is quoted with now and which its contract has, where these are others (T04, T05).

    The quote may be the one by which it was won, or say what a change order made of it.
    """
    now = {each.id for each in instances_of(deal)}
    first, current = ({each.id for each in version.sold} for version in (contract.versions[0], contract.current))
    if not is_quoted(deal) or now in (first, current) or f"{deal.key}/01" in first:
        return None
    quoted, agreed = (", ".join(sorted(each.removeprefix(f"{deal.key}/") for each in ids)) for ids in (now, current))
    return quoted, agreed or "none"


def _instance(deal: Engagement, id_: str, package: str, lines: tuple[ContractLine, ...]) -> Instance:
    whole = lines == deal.lines
    return Instance(
        id=id_,
        package=package,
        amount=deal.amount or Decimal(0) if whole else sum((each.amount for each in lines), Decimal(0)),
        start=min((each.start for each in lines if each.start), default=deal.start),
        end=max((each.end for each in lines if each.end), default=deal.end),
        region=next((each.region for each in lines if each.region), ""),
        lines=lines,
    )
