"""A milestone: something that the customer accepts, and with whose acceptance a part of a fee becomes due."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from tieout.domain.documents.document import Document
from tieout.domain.documents.terms import Share

MilestoneState = Literal["open", "accepted", "on_hold", "deleted"]


class Milestone(Document):
    """How far a milestone is accepted, as its source tells it at one moment (T39).

    What was accepted and is so no longer has share 0 `since` the day on which that was said. On hold nothing is decided.
    """

    kind: ClassVar[str] = "milestone"

    project: str = Field(description="The source's own id of the project")
    name: str
    state: MilestoneState
    share: Share = Decimal(0)
    since: date | None = Field(default=None, description="The day since when it stands like that")
    accepted_by: str = ""
    source_id: str
    source_version: str

    @model_validator(mode="after")
    def _is_accepted_some_day(self) -> Milestone:
        if self.share and self.since is None:
            raise ValueError("what is accepted was accepted on a day")
        return self
