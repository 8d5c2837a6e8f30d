"""Is this customer one that the ledger has already? Decided by tax id, alias and name; in doubt a person is asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tieout.domain.documents.customer import Customer
from tieout.domain.problems import Problem

SAME, OTHER = "same", "other"


@dataclass(frozen=True, slots=True)
class Known:
    """A customer of the ledger: its record id, our key or its own code, its name and tax id ("" when it has none)."""

    id: str
    code: str
    name: str
    tax_id: str


@dataclass(frozen=True, slots=True)
class Match:
    """What to do: `record` links the existing customer, `create` makes a new one, `problem` asks a person."""

    record: str = ""
    create: bool = False
    problem: Problem | None = None


def question(customer: Customer) -> str:
    """The name under which a person's answer is remembered."""
    return f"customer.possible_duplicate:{customer.key}"


def match(customer: Customer, known: Sequence[Known], decision: str | None, *, link: str) -> Match:
    """One customer with the same tax id is the same company; a namesake with another tax id, or several, is a question.

    `decision` is a person's answer: "other", or "same:" and the record's id.
    """
    if decision == OTHER:
        return Match(create=True)
    if decision is not None:
        return Match(record=decision.removeprefix(f"{SAME}:"))
    if not known:
        return Match(create=True)
    tax_id = plain(customer.tax_id.code) if customer.tax_id else ""
    twins = [each for each in known if tax_id and plain(each.tax_id) == tax_id]
    if len(twins) == 1:
        return Match(record=twins[0].id)
    namesakes = [each for each in known if not each.tax_id or not tax_id]
    if not twins and len(known) == 1 and namesakes and namesakes[0].name.casefold() == customer.name.casefold():
        return Match(record=namesakes[0].id)
    named = {each.id: f"{each.name} ({each.code or each.id}, tax id {each.tax_id or 'none'})" for each in known}
    facts = {
        "customer": customer.name,
        "candidates": "; ".join(named.values()),
        "link": link,
        "about": customer.key,
        # What a person can answer, record id and words, for the console's form.
        "choices": json.dumps({f"{SAME}:{id_}": text for id_, text in named.items()}, ensure_ascii=False),
    }
    return Match(problem=Problem("customer.possible_duplicate", facts))


def plain(tax_id: str) -> str:
    """A tax id without decoration: DE 136 695 976 and de-136695976 are one."""
    return "".join(each for each in tax_id.upper() if each.isalnum())
