"""From one contract version to the next: what a change order makes of it, and what differs, clause by clause (T34)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.domain.agreeing import agreed
from tieout.domain.documents.change_order import ChangeLine, ChangeOrder
from tieout.domain.documents.engagement import ContractVersion
from tieout.domain.documents.package import ServicePackage
from tieout.domain.documents.terms import Cap, FixedTerms, Instalment, PeriodTerms, Sold
from tieout.domain.money import Money


@dataclass(frozen=True, slots=True)
class Clause:
    """What one version says otherwise than the one before; an empty text where one of them says nothing of it."""

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what}: {self.before or 'nothing'} → {self.after or 'nothing'}"


def differences(before: ContractVersion, after: ContractVersion) -> list[Clause]:
    """Every clause that differs, each once, in a fixed order; none when the versions say the same."""
    said, says = clauses(before), clauses(after)
    names = [*said, *(each for each in says if each not in said)]
    return [Clause(each, said.get(each, ""), says.get(each, "")) for each in names if said.get(each) != says.get(each)]


def clauses(version: ContractVersion) -> dict[str, str]:
    """All that a version says, one text for each name. When it begins and what it is numbered are no clauses of it."""
    found = {
        "amount": str(Money(version.amount, version.currency)),
        "payment terms": version.payment_terms,
        "rate card": version.rate_card,
    }
    for sold in version.sold:
        about = f"{sold.id} “{sold.description}”"
        found |= {
            f"{about} package": f"{sold.package} {sold.package_version}",
            f"{about} project": sold.project,
            f"{about} amount": str(Money(sold.amount, version.currency)),
            f"{about} start": str(sold.start or ""),
            f"{about} end": str(sold.end or ""),
            f"{about} region": sold.region,
            **{f"{about} hours of {role}": f"{hours:f}" for role, hours in sorted(sold.hours.items())},
            **{f"{about} {name}": text for name, text in _told(sold.terms.model_dump(mode="json"))},
        }
    for category, terms in sorted(version.expenses.items()):
        found |= {f"expenses for {category} {name}": text for name, text in _told(terms.model_dump(mode="json"))}
    for cap in version.caps:
        found |= {f"limit {cap.key} {name}": text for name, text in _told(cap.model_dump(mode="json", exclude={"key"}))}
    return {name: text for name, text in found.items() if text}


def _told(value: Any, name: str = "") -> list[tuple[str, str]]:
    """The leaves of a JSON value, each under its own path."""
    if isinstance(value, Mapping):
        return [leaf for key, each in value.items() for leaf in _told(each, f"{name} {key}".strip())]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, list):
        return [leaf for n, each in enumerate(value, 1) for leaf in _told(each, f"{name} {n}")]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return [(name, "" if value is None else str(value))]


def sold_id(order: ChangeOrder, line: ChangeLine, contract: ContractVersion) -> str:
    """Which sale a line is about: the one it names, or the only one there is."""
    if line.instance:
        return f"{order.engagement}/{line.instance}"
    return contract.sold[0].id if len(contract.sold) == 1 else ""


def amended(contract: ContractVersion, order: ChangeOrder, packages: Mapping[str, ServicePackage]) -> ContractVersion:
    """The next version: what the order says, and otherwise what the one before says.

    `packages` are those of the sales that are new, by the code that the order says. The order has been judged by
    `change_problems`. Raises KeyError for a package that is not among them.
    """
    assert order.effective_from is not None, "judged before"
    sold = {each.id: each for each in contract.sold}
    caps = {each.key: each for each in contract.caps}
    for id_, lines in _by_sale(contract, order).items():
        known = sold.get(id_)
        if any(each.action == "remove" and not each.task for each in lines):
            sold.pop(id_, None)
            caps = {key: each for key, each in caps.items() if each.lines != (id_,)}
        elif known is None:
            sold[id_], limits = _new(id_, lines, contract, order, packages)
            caps |= {each.key: each for each in limits}
        else:
            sold[id_] = _changed(known, lines, order)
            caps = {key: _moved(each, known, sold[id_]) for key, each in caps.items()}
        for line in lines:
            if line.cap is not None:
                key = f"{id_}/cap"
                known_cap = caps.get(key) or Cap(key=key, scope="line", lines=(id_,), amount=line.cap)
                caps[key] = known_cap.model_copy(update={"amount": line.cap})
    return contract.model_copy(
        update={
            "version": contract.version + 1,
            "effective_from": order.effective_from,
            "amount": contract.amount + order.delta,
            "sold": tuple(sold.values()),
            "caps": tuple(caps.values()),
            "order": order.key,
        }
    )


def _by_sale(contract: ContractVersion, order: ChangeOrder) -> dict[str, list[ChangeLine]]:
    found: dict[str, list[ChangeLine]] = {}
    for each in order.lines:
        found.setdefault(sold_id(order, each, contract), []).append(each)
    return found


def _changed(sold: Sold, lines: list[ChangeLine], order: ChangeOrder) -> Sold:
    more = sum((each.amount for each in lines), Decimal(0))
    terms = sold.terms
    if isinstance(terms, FixedTerms) and more > 0:
        due = Instalment(key=order.name, name=order.name, amount=more, due=order.effective_from)
        terms = terms.model_copy(update={"instalments": (*terms.instalments, due)})
    start = next((each.start for each in lines if each.start and not each.task), sold.start)
    end = next((each.end for each in lines if each.end and not each.task), sold.end)
    if isinstance(terms, PeriodTerms) and (start, end) != (sold.start, sold.end):
        terms = terms.model_copy(update={"start": start or terms.start, "end": end})
    return sold.model_copy(update={"amount": sold.amount + more, "terms": terms, "start": start, "end": end})


def _moved(cap: Cap, before: Sold, after: Sold) -> Cap:
    """A limit that was what was sold stays what is sold."""
    if cap.lines != (before.id,) or cap.amount != before.amount:
        return cap
    return cap.model_copy(update={"amount": after.amount})


def _new(
    id_: str,
    lines: list[ChangeLine],
    contract: ContractVersion,
    order: ChangeOrder,
    packages: Mapping[str, ServicePackage],
) -> tuple[Sold, tuple[Cap, ...]]:
    package = packages[next(each.package for each in lines if each.package)]
    by_role: dict[str, Decimal] = {}
    for each in lines:
        if each.role and each.hours:
            by_role[each.role] = by_role.get(each.role, Decimal(0)) + each.hours
    start = min((each.start for each in lines if each.start), default=order.effective_from) or date.min
    ends = [each.end for each in (*lines, *(() if any(each.end for each in lines) else contract.sold)) if each.end]
    amount = sum((each.amount for each in lines), Decimal(0))
    hours = sum(by_role.values(), Decimal(0)) or sum((each.hours for each in package.tasks), Decimal(0))
    return agreed(
        package,
        id_=id_,
        amount=Money(amount, contract.currency),
        hours=hours,
        start=start,
        end=max([start, *ends]),
        by_role=by_role,
    )
