"""What a deal still lacks: for its kickoff, and separately for its first invoice; every problem at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tieout.domain.documents.customer import Customer
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.package import ServicePackage
from tieout.domain.firm import Firm, LegalEntity
from tieout.domain.instances import Instance, instances_of, is_quoted
from tieout.domain.money import Money
from tieout.domain.problems import Problem
from tieout.domain.values import ValueTables

# Canonical field → the words a person reads for it.
_MANDATORY = {
    "legal_entity": "The legal entity",
    "currency": "The currency",
    "amount": "The amount",
    "practice": "The practice",
    "package": "The service package",
    "start": "The expected start date",
    "end": "The expected end date",
    "payment_terms": "The payment terms",
    "project_manager": "The project manager",
}


@dataclass(frozen=True, slots=True)
class Enriched:
    """What the value tables add to a deal that has all it needs.

    `tax_class` is empty when the firm keeps no table of that name and leaves the question to its ERP. `package` is the one
    that the deal is, or the first of its quote; `packages` are those of a quote by instance.
    """

    entity: str
    department: str
    package: ServicePackage
    rate_card: str
    tax_class: str = ""
    packages: Mapping[str, ServicePackage] = field(default_factory=dict[str, ServicePackage])

    def package_of(self, instance: Instance) -> ServicePackage:
        return self.packages.get(instance.id, self.package)


def missing_for_kickoff(deal: Engagement, *, link: str) -> list[Problem]:
    """Mandatory facts that the CRM does not say, or says impossibly."""
    amount = value_of(deal)
    facts = {"deal": deal.name, "amount": amount, "link": link}
    problems = [
        Problem("deal.field_missing", {**facts, "label": label, "field": field})
        for field, label in _MANDATORY.items()
        if getattr(deal, field) in ("", None) and not (field == "package" and is_quoted(deal))
    ]
    problems += _quote_gaps(deal, facts)
    problems += _customer_gaps(deal.customer, facts)
    if deal.start and deal.end and deal.end < deal.start:
        problems.append(
            _invalid(facts, "The expected end date", "end", str(deal.end), f"it is before the start, {deal.start}")
        )
    if deal.amount is not None and deal.amount <= 0:
        problems.append(_invalid(facts, "The amount", "amount", str(deal.amount), "a sold project is worth something"))
    return problems


def entity_of(deal: Engagement, firm: Firm, tables: ValueTables, *, on: date) -> LegalEntity | None:
    """The legal entity that sells: named by its code, or by a word of the value table."""
    named = firm.entity(deal.legal_entity)
    row = None if named else tables.look_up("legal_entity", deal.legal_entity, entity="*", on=on)
    return firm.entity(row.value) if row else named


def enrich(
    deal: Engagement, firm: Firm, tables: ValueTables, *, on: date, link: str
) -> tuple[Enriched | None, list[Problem]]:
    """Derives entity, department, tax class, package and rate card; the problems when something has no value yet."""
    problems = _unknown_terms(deal, firm, link)
    facts = {"deal": deal.name, "link": link}
    entity = entity_of(deal, firm, tables, on=on)
    if entity is None:
        problems.append(_unknown(firm, "legal_entity", deal.legal_entity, "*"))
    elif entity.currency != deal.currency:
        problems.append(
            Problem(
                "deal.currency_differs",
                {**facts, "currency": deal.currency, "entity": entity.name, "entity_currency": entity.currency},
            )
        )
    scope = entity.code if entity else deal.legal_entity
    department = tables.look_up("practice_department", deal.practice, entity=scope, on=on)
    if department is None:
        problems.append(_unknown(firm, "practice_department", deal.practice, scope))
    tax_class = tables.look_up("tax_class", deal.practice, entity=scope, on=on)
    if tax_class is None and firm.table("tax_class") is not None:
        problems.append(_unknown(firm, "tax_class", deal.practice, scope))
    packages = {each.id: firm.package(each.package) for each in instances_of(deal)}
    unknown = {each.package for each in instances_of(deal) if packages[each.id] is None}
    problems += [Problem("package.unknown", {**facts, "package": each}) for each in sorted(unknown)]
    known = {id_: package for id_, package in packages.items() if package is not None}
    card = firm.rate_card(scope)
    if problems or entity is None or department is None or not known or card is None:
        return None, problems
    tax = tax_class.value if tax_class else ""
    return Enriched(entity.code, department.value, next(iter(known.values())), card.name, tax, known), []


def missing_for_billing(deal: Engagement, *, link: str) -> list[Problem]:
    """What may wait until work is done, and not longer (T08, T10)."""
    facts = {"deal": deal.name, "link": link}
    problems: list[Problem] = []
    if deal.po_required and not deal.po_number:
        problems.append(Problem("billing.po_missing", {**facts, "amount": value_of(deal)}))
    if deal.signed_payment_terms and deal.signed_payment_terms != deal.payment_terms:
        problems.append(
            Problem("deal.terms_differ", {**facts, "signed": deal.signed_payment_terms, "stated": deal.payment_terms})
        )
    return problems


def terms_needing_finance(deal: Engagement, firm: Firm) -> list[str]:
    """The terms that somebody in finance must accept; in words, because these exact words are what is approved."""
    terms: list[str] = []
    limit = firm.approvals.amount_above.get(deal.currency)
    if limit is not None and deal.amount is not None and deal.amount > limit:
        terms.append(f"Amount {value_of(deal)} is above {Money(limit, deal.currency)}")
    days = firm.payment_terms.get(deal.payment_terms)
    most = firm.approvals.payment_days_above
    if most is not None and days is not None and days > most:
        terms.append(f"Payment terms {deal.payment_terms} are longer than {most} days")
    return terms


def hierarchy_problems(chain: Sequence[Customer], *, link: str) -> list[Problem]:
    """A parent that is its own descendant, whatever the length of the way round (T07)."""
    keys = [each.key for each in chain]
    again = next((key for key in keys if keys.count(key) > 1), None)
    if again is None:
        return []
    path = " → ".join(each.name for each in chain)
    return [Problem("customer.cycle", {"customer": chain[-1].name, "path": path, "link": link})]


def value_of(deal: Engagement) -> str:
    if deal.amount is None or not deal.currency:
        return "an unknown amount"
    return str(Money(deal.amount, deal.currency))


def _quote_gaps(deal: Engagement, facts: dict[str, str]) -> list[Problem]:
    """A quote of several packages says what each of them is worth; together they are the deal."""
    instances = instances_of(deal)
    quoted = sum((each.amount for each in instances), Decimal(0))
    if deal.amount in (None, quoted):
        return []
    reason = f"its {len(instances)} packages come to {quoted:,.2f}"
    return [_invalid(facts, "The amount", "amount", value_of(deal), reason)]


def _customer_gaps(customer: Customer, facts: dict[str, str]) -> list[Problem]:
    gaps: list[Problem] = []
    for name, label, present in (
        ("customer.name", "The customer's name", customer.name),
        ("customer.address.country", "The customer's billing country", customer.address.country),
        ("customer.tax_id", "The customer's tax id", customer.tax_id and customer.tax_id.code),
    ):
        if not present:
            gaps.append(Problem("deal.field_missing", {**facts, "label": label, "field": name}))
    return gaps


def _unknown_terms(deal: Engagement, firm: Firm, link: str) -> list[Problem]:
    """Terms of an unknown length would slip past the rule that long ones need finance."""
    if not firm.payment_terms or deal.payment_terms in firm.payment_terms:
        return []
    facts = {"deal": deal.name, "amount": value_of(deal), "link": link}
    known = ", ".join(sorted(firm.payment_terms))
    reason = f"the firm's payment terms are {known}"
    return [_invalid(facts, "The payment terms", "payment_terms", f"“{deal.payment_terms}”", reason)]


def _invalid(facts: dict[str, str], label: str, field: str, value: str, reason: str) -> Problem:
    return Problem("deal.field_invalid", {**facts, "label": label, "field": field, "value": value, "reason": reason})


def _unknown(firm: Firm, table: str, value: str, entity: str) -> Problem:
    return Problem("value.missing", {"table": table, "value": value, "entity": entity, "purpose": firm.purpose(table)})
