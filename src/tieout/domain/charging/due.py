"""Everything of a contract that is due beside hours: fees, prepaid blocks and usage, each as what the ledger sells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from tieout.domain.charging.fees import Accepted, Due, Reading, fees, of_sale, release_of
from tieout.domain.charging.usage import Span, usage
from tieout.domain.documents.engagement import ContractVersion
from tieout.domain.documents.terms import FixedTerms, Sold, UsageTerms
from tieout.domain.firm import Firm
from tieout.domain.money import Money
from tieout.domain.problems import Problem


def due(
    versions: Sequence[ContractVersion],
    firm: Firm,
    *,
    through: date,
    accepted: Mapping[str, Accepted],
    readings: Mapping[str, Sequence[Reading]],
    sabotage: frozenset[str] = frozenset(),
) -> list[Due]:
    """What is due up to and with a day, each thing by the version of the contract that was in force on its day.

    What became due under a version stays due, whatever a later one says of it; what was due before the first version began is
    the first one's. `readings` are those of each sold package, by its id; `sabotage` is that of `usage`.
    """
    found: dict[str, Due] = {}
    metered: dict[str, list[Span]] = {}
    for number, version in enumerate(versions):
        begins = version.effective_from if number else date.min
        ends = versions[number + 1].effective_from if number + 1 < len(versions) else date.max
        for sold in version.sold:
            for each in fees(sold, through=through, accepted=accepted, currency=version.currency):
                if begins <= each.event.day < ends:
                    found.setdefault(each.event.ref, _described(each, sold, version, firm))
            if isinstance(sold.terms, UsageTerms):
                metered.setdefault(sold.id, []).append(Span(version, sold, sold.terms, begins, ends))
    for id_, spans in metered.items():
        for span, each in usage(spans, readings.get(id_, ()), through=through, sabotage=sabotage):
            found[each.event.ref] = _described(each, span.sold, span.version, firm)
    return list(found.values())


def released(contract: ContractVersion, *, through: date, accepted: Mapping[str, Accepted]) -> frozenset[str]:
    """The fixed fees whose retainage is due by now."""
    return frozenset(
        each.id
        for each in contract.sold
        if isinstance(each.terms, FixedTerms)
        and release_of(each.terms, through=through, accepted=of_sale(each, accepted))
    )


def without_product(dues: Sequence[Due], *, link: str) -> list[Problem]:
    """One problem for each package, or category of expenses, that something is due of and the firm names no product for."""
    found: dict[str, Money] = {}
    for each in dues:
        if not each.product and not each.waits:
            package = each.basis.get("package") or each.basis["category"]
            found[package] = found.get(package, Money.zero(each.event.worth.currency)) + each.event.worth
    return [
        Problem("billing.product_missing", {"package": package, "amount": str(worth), "link": link}, amount=worth)
        for package, worth in found.items()
    ]


def _described(each: Due, sold: Sold, version: ContractVersion, firm: Firm) -> Due:
    package = firm.package(sold.package)
    product = "" if package is None else (package.prepaid_product if each.prepaid else "") or package.product
    basis = {**each.basis, "package": sold.package, "package_version": str(sold.package_version)}
    name = f"{sold.description or sold.package}, {each.name}"
    return replace(
        each, name=name, product=product, contract_version=version.version, basis=basis, project=sold.project
    )
