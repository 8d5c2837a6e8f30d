"""People and their assignments: who may work on what, and for which legal entity."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar

from tieout.domain.documents.document import Document


class Person(Document):
    """Somebody whose time is billed; `key` is the personnel number that every system knows."""

    kind: ClassVar[str] = "person"

    name: str
    email: str
    legal_entity: str
    role: str
    practice: str = ""
    cost_rate: Decimal | None = None


class Assignment(Document):
    """A person on a project in a role, between two days."""

    kind: ClassVar[str] = "assignment"

    person: str
    project: str
    role: str
    start: date | None = None
    end: date | None = None
    hours: Decimal | None = None
