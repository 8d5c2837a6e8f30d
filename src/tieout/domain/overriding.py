"""A field that a person sets in the hub in place of what the source says: which fields may be, and what becomes of the document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from tieout.domain.documents.document import Document
from tieout.domain.documents.engagement import Engagement
from tieout.domain.problems import Problem

D = TypeVar("D", bound=Document)

# Documents that are read one by one at their source. Time comes in pages and invoices are the ledger's: they are corrected there.
OVERRIDABLE: Mapping[str, type[Document]] = {Engagement.kind: Engagement}
# What says who a document is or whether it was sold is the source's alone, as is what stands in lists.
_IDENTITY = ("key", "source_id", "parent", "stage", "booked_at")
_MONEY = ("amount", "currency", "payment_terms", "signed_payment_terms")


class NotOverridable(ValueError):
    """The field cannot be set so; the text says why, for the person who asked."""


@dataclass(frozen=True, slots=True)
class Override:
    """One field set by one person. `field` is its path in the document: end, customer.address.country."""

    id: int
    kind: str
    key: str
    field: str
    value: Any
    author: str
    reason: str

    @property
    def trail(self) -> dict[str, str]:
        """Where the field comes from, as the trail of a document says it."""
        return {"source": f"override by {self.author}: {self.reason}", "mapping": f"override {self.id}"}


def is_money(field: str) -> bool:
    """Whether a field says what is owed or when."""
    return field.rsplit(".", maxsplit=1)[-1] in _MONEY


def overridden(document: D, field: str, value: Any) -> D:
    """The document with the field set. Raises NotOverridable for a field it does not have, may not lose, or a wrong value."""
    body = document.body()
    _check(document, field, body)[field.rsplit(".", maxsplit=1)[-1]] = (
        value.strip() if isinstance(value, str) else value
    )
    try:
        return type(document).model_validate(body)
    except ValidationError as wrong:
        raise NotOverridable(f"{field} cannot be “{value}”: {_said(wrong)}.") from wrong


def can_be_set(document: Document, field: str) -> bool:
    """Whether the field is one that may be set at all, whatever to."""
    try:
        _check(document, field, document.body())
    except NotOverridable:
        return False
    return True


def current(document: Document, field: str) -> Any:
    """What the document says there now, as JSON says it; None where it says nothing."""
    found: Any = document.body()
    for step in field.split("."):
        found = cast("dict[str, Any]", found).get(step) if isinstance(found, dict) else None
    return found


def unfit(document: Document, override: Override, why: NotOverridable) -> Problem:
    """The source has moved on, and an override does not fit any more: somebody withdraws it or sets another."""
    facts = {
        "deal": str(current(document, "name") or document.key),
        "label": override.field,
        "field": override.field,
        "value": f"“{override.value}” by O-{override.id} of {override.author}",
        "reason": str(why).rstrip("."),
        "amount": f"{current(document, 'amount') or ''} {current(document, 'currency') or ''}".strip() or "no amount",
        "link": f"/documents/{document.kind}/{document.key}",
    }
    return Problem("deal.field_invalid", facts)


def _check(document: Document, field: str, body: dict[str, Any]) -> dict[str, Any]:
    """The part of the body that holds the field. Raises NotOverridable for a field that nobody may set in the hub."""
    path = field.split(".")
    if document.kind not in OVERRIDABLE:
        raise NotOverridable(f"A {document.kind} is corrected at its source, not in the hub.")
    if path[-1] in _IDENTITY:
        raise NotOverridable(f"{field} says who the {document.kind} is: only its source can change that.")
    return _place(body, path, field, document.kind)


def _place(body: dict[str, Any], path: list[str], field: str, kind: str) -> dict[str, Any]:
    """The part of the document that holds the field."""
    part, at = body, ""
    for step in path[:-1]:
        at = f"{at}.{step}" if at else step
        inner = part.get(step)
        if isinstance(inner, list):
            raise NotOverridable(f"{at} is a list: correct its entries at their source.")
        if not isinstance(inner, dict):
            raise NotOverridable(f"The {kind} has no {at} to set {field} in.")
        part = cast("dict[str, Any]", inner)
    if path[-1] not in part and path[:-1] != ["extensions"]:
        raise NotOverridable(f"The {kind} has no field {field}. It has: {', '.join(sorted(body))}.")
    if isinstance(part.get(path[-1]), dict | list):
        raise NotOverridable(f"{field} is made of several fields: set one of them.")
    return part


def _said(wrong: ValidationError) -> str:
    return "; ".join(each["msg"][:1].lower() + each["msg"][1:] for each in wrong.errors(include_url=False)[:3])
