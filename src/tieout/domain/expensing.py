"""What a firm says of expenses: what becomes of each category, and from which amount on a receipt is demanded (T31)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from tieout.domain.documents.document import Part
from tieout.domain.documents.terms import Amount, ExpenseTerms
from tieout.domain.values import ValueRow

PRODUCTS, RATES, EMPLOYERS, TRANSFERS = "expense_product", "exchange_rate", "person_entity", "transfer_price"


class ExpenseRule(Part):
    """What becomes of what people pay for projects. A contract may say otherwise for itself."""

    categories: dict[str, ExpenseTerms] = Field(
        default_factory=dict[str, ExpenseTerms],
        description="Category, as the PSA calls it → what becomes of its expenses; those of any other wait",
    )
    receipt_above: dict[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], Amount] = Field(
        default_factory=dict[str, Decimal],
        description="Currency → amount: a billable claim above it needs a receipt, with 0 every one. A disbursement always does",
    )

    def treatments(self) -> list[dict[str, Any]]:
        """Flat and folded, for a set-based look-up."""
        return [
            {"category": folded(name), "treatment": each.treatment, "markup": str(each.markup)}
            for name, each in self.categories.items()
        ]

    def receipts(self) -> list[dict[str, Any]]:
        return [{"currency": code, "amount": str(amount)} for code, amount in self.receipt_above.items()]


def folded(category: str) -> str:
    """Capitals and outer blanks do not matter."""
    return category.strip().casefold()


def folded_terms(terms: Iterable[Mapping[str, ExpenseTerms]]) -> dict[str, ExpenseTerms]:
    """What several packages say of categories; where two speak of one, the first has the word."""
    found: dict[str, ExpenseTerms] = {}
    for each in terms:
        for name, said in each.items():
            found.setdefault(folded(name), said)
    return found


def value_rows(values: Iterable[ValueRow]) -> list[dict[str, Any]]:
    """The rows of the tables that expenses are looked up in, for a set-based look-up."""
    return [
        {
            "name": each.table, "key": folded(each.key), "entity": each.entity, "value": each.value.strip(),
            "valid_from": str(each.valid_from), "position": each.version,
        }
        for each in values
        if each.table in (PRODUCTS, RATES, EMPLOYERS, TRANSFERS)
    ]  # fmt: skip
