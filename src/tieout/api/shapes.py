"""The forms that answers and questions take: money with its currency, text without control characters, pages with a cursor."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Self, TypeVar, cast

from fastapi import Path, Query
from pydantic import BaseModel, Field, StringConstraints

from tieout.api.problem import Mistake, mistaken
from tieout.domain.money import Money
from tieout.engine import deeds

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_SAYS_SOMETHING = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
Line = Annotated[str, StringConstraints(max_length=500, pattern=_SAYS_SOMETHING)]
# Of several lines, for what people say to each other.
Text = Annotated[
    str,
    StringConstraints(
        max_length=4000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x08\x0b-\x1f\x7f]*$"
    ),
]
Word = Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)]
Filter = Annotated[str, Query(max_length=200, pattern=_PRINTABLE)]
Id = Annotated[str, Path(min_length=1, max_length=500, pattern=_PRINTABLE)]
HoldNumber = Annotated[str, Path(pattern=r"^H-[0-9]{1,12}$", description="A hold's number: H-20401")]
ApprovalNumber = Annotated[str, Path(pattern=r"^A-[0-9]{1,12}$", description="An approval's number: A-501")]
PlanNumber = Annotated[str, Path(pattern=r"^P-[0-9]{1,12}$", description="A plan's number: P-3301")]
Number = Annotated[int, Path(ge=1, le=2**53)]
Size = Annotated[int, Query(ge=1, le=500, description="How many at most")]
Cursor = Annotated[str, Query(max_length=400, pattern=r"^[A-Za-z0-9_-]*$", description="`next` of the page before")]


class Amount(BaseModel):
    """Money: an exact decimal as text, and its ISO 4217 currency."""

    amount: str = Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["12.34"])
    currency: str = Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])


class Empty(BaseModel):
    """Nothing more to say: it is done."""


class Released(BaseModel):
    """The runs that begin again; where they are many, `plan` names the plan that they wait for instead, such as P-3301."""

    runs: list[str]
    plan: str | None = None

    @classmethod
    def of(cls, released: deeds.Released) -> Self:
        return cls(runs=list(released.runs), plan=f"P-{released.plan}" if released.plan else None)


class Page(BaseModel, Generic[T]):
    """A page of a list; `next` is the cursor of the page after it, and null at the end."""

    items: list[T]
    next: str | None = None


def amount(value: Decimal, currency: str) -> Amount:
    """With the currency's digits; an amount that is finer than a minor unit keeps all of its own.

    XXX is ISO 4217 for no currency: a record that names none is shown, not dropped.
    """
    exact = Money(Decimal(value), currency or "XXX")
    rounded = exact.rounded()
    return Amount(amount=f"{(rounded if rounded.amount == exact.amount else exact).amount:f}", currency=exact.currency)


def amount_of_minor(row: Mapping[str, Any]) -> Amount | None:
    """The amount of a row that keeps minor units; none when it has no currency."""
    if not row["currency"]:
        return None
    return amount(Money.from_minor(int(row["amount_minor"]), row["currency"]).amount, row["currency"])


def picked(model: type[M], row: Mapping[str, Any], **more: Any) -> M:
    """The model filled from the fields that it shares with a row."""
    return model(**{name: row[name] for name in model.model_fields if name in row} | more)


def cursor(*key: datetime | int | str) -> str:
    """An opaque text for the place behind a row."""
    told = [each.isoformat() if isinstance(each, datetime) else each for each in key]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def place(text: str, *types: type[datetime] | type[int] | type[str]) -> tuple[Any, ...] | None:
    """The key behind a cursor, None for the beginning. Raises Wrong for a text that no page gave out."""
    if not text:
        return None
    try:
        told: Any = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(told, list) or len(cast("list[Any]", told)) != len(types):
            raise ValueError
        return tuple(_part(each, type_) for each, type_ in zip(cast("list[Any]", told), types, strict=True))
    except (ValueError, binascii.Error, OverflowError, RecursionError) as wrong:
        raise mistaken([Mistake(where="query.cursor", what="This is no cursor that a page gave out.")]) from wrong


def _part(told: Any, type_: type[datetime] | type[int] | type[str]) -> Any:
    if type_ is datetime and isinstance(told, str):
        moment = datetime.fromisoformat(told)
        if moment.tzinfo is not None:
            return moment
    elif (type_ is int and type(told) is int and abs(told) < 2**63) or (
        type_ is str and isinstance(told, str) and "\0" not in told and told.isprintable()
    ):
        return told
    raise ValueError
