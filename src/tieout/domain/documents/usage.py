"""A usage record: units of something that a meter counted for an engagement, as its source tells it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from tieout.domain.documents.document import Document, Part


def _day_of(told: Any) -> Any:
    """The day of a moment is the one that its source wrote, in the source's own zone (T27)."""
    if isinstance(told, str) and len(told) > len("2026-10-31"):
        return datetime.fromisoformat(told).date()
    return told


Day = Annotated[date, BeforeValidator(_day_of, json_schema_input_type=str)]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Quantity = Annotated[Decimal, Field(ge=0, max_digits=24, decimal_places=9, allow_inf_nan=False)]


class Metered(Part):
    """One reading as somebody sends it. A reading that was wrong is sent again, with its own `id` and a higher `version`."""

    id: Text = Field(description="The source's own id of the reading: the same one is the same reading, for ever")
    version: int | None = Field(
        default=None, ge=1, lt=10**9,
        description="Counts what the source says of it; left out, a reading that says something else is the next version",
    )  # fmt: skip
    engagement: Text = Field(description="Our key of the deal or of its project, or the deal's id in the CRM")
    package: str = Field(
        default="", max_length=200, description="Which of its packages, where several have the meter: DATA-2"
    )
    meter: Text = Field(description="What was counted, as the contract calls it")
    quantity: Quantity = Field(description="How much: units, zero or more; zero takes a reading back")
    unit: Text = Field(description="The unit, exactly as the contract writes it")
    since: Day | None = Field(default=None, description="The first day of a period; left out, it is one day")
    day: Day = Field(description="The day, the last day of the period, or a moment: its price is that day's")

    @model_validator(mode="after")
    def _is_of_one_month(self) -> Metered:
        if self.since is not None and self.since > self.day:
            raise ValueError(f"the period begins on {self.since}, after its last day {self.day}")
        if self.since is not None and (self.since.year, self.since.month) != (self.day.year, self.day.month):
            raise ValueError(f"the period {self.since} to {self.day} is in two months: send a reading for each")
        return self


class UsageRecord(Document):
    """A reading in one of its versions; `key` is its source and the source's id of it. `quantity` is in `unit`."""

    kind: ClassVar[str] = "usage_record"

    engagement: str = Field(description="As the source names it")
    package: str = ""
    meter: str
    quantity: Decimal
    unit: str
    since: date | None = None
    day: date
    source: str
    source_id: str
    version: int = 1

    def says(self) -> dict[str, Any]:
        """What it says, whatever version it is."""
        return self.model_dump(exclude={"version"})
