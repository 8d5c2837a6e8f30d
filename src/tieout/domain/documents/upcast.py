"""Lifts stored documents of older schema versions to today's, so that history stays readable for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tieout.domain.documents.billing import Invoice
from tieout.domain.documents.change_order import ChangeOrder
from tieout.domain.documents.customer import Contact, Customer
from tieout.domain.documents.document import Document
from tieout.domain.documents.engagement import Contract, Engagement
from tieout.domain.documents.expense import Expense
from tieout.domain.documents.milestone import Milestone
from tieout.domain.documents.package import RateCard, ServicePackage
from tieout.domain.documents.person import Assignment, Person
from tieout.domain.documents.project import Project
from tieout.domain.documents.usage import UsageRecord
from tieout.domain.documents.work import TimeEntry

Body = dict[str, Any]
Lift = Callable[[Body], Body]

KINDS: Mapping[str, type[Document]] = {
    each.kind: each
    for each in (
        Assignment,
        ChangeOrder,
        Contact,
        Contract,
        Customer,
        Engagement,
        Expense,
        Invoice,
        Milestone,
        Person,
        Project,
        RateCard,
        ServicePackage,
        TimeEntry,
        UsageRecord,
    )
}
# (kind, version it lifts from) -> the function that makes the next version's body.
LIFTS: Mapping[tuple[str, int], Lift] = {}


def load(
    kind: str,
    version: int,
    body: Body,
    *,
    kinds: Mapping[str, type[Document]] = KINDS,
    lifts: Mapping[tuple[str, int], Lift] = LIFTS,
) -> Document:
    """The document, whatever version it was stored in.

    Raises LookupError for a kind nobody knows, a version from the future, or a missing step between versions.
    """
    document = kinds.get(kind)
    if document is None:
        raise LookupError(f"no document kind {kind!r}")
    if version > document.schema_version:
        raise LookupError(
            f"{kind} version {version} was written by a newer Tieout; this one knows {document.schema_version}"
        )
    for step in range(version, document.schema_version):
        lift = lifts.get((kind, step))
        if lift is None:
            raise LookupError(f"nothing lifts {kind} from version {step} to {step + 1}")
        body = lift(body)
    return document.model_validate(body)
