"""What a firm folder says about notices: its channels, and the rules by which somebody is told through one of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from tieout.domain.documents.document import Part

# A channel's name stands in the names of environment variables, a rule's in addresses of lists.
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

# What is told at once; everything else waits for the digest.
Reason = Literal["unowned", "promise", "unknown", "silence", "escalated"]
REASONS: tuple[Reason, ...] = ("unowned", "promise", "unknown", "silence", "escalated")

# A digest that could not be sent at its hour (the hub was down) is sent later, unless it would be half a day late.
_TOO_LATE = timedelta(hours=12)


class ChannelSettings(Part):
    """One way to reach people or a program. Addresses that are secrets come from the environment, never from here."""

    kind: str = Field(description="How it speaks: email, slack, teams or webhook")
    owner: str = Field(default="", description="Who answers for this channel: a person, a team, an e-mail address")
    settings: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="The kind's own settings, without secrets"
    )


class Digest(Part):
    """When the digest of a day is sent."""

    at: str = Field(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="The time of day in the reader's zone, such as 08:00"
    )
    zone: str = Field(default="UTC", description="The reader's time zone, such as Europe/Berlin")

    def newest(self, now: datetime) -> datetime | None:
        """The moment of the newest digest that ought to be out by now; None when it would be too late for it.

        A time that a change of the clocks skips counts as the moment after it, one that comes twice as its first.
        """
        hour, minute = map(int, self.at.split(":"))
        here = now.astimezone(ZoneInfo(self.zone))
        today = here.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
        # Through UTC, where a day that is an hour short or long keeps its order.
        at = today.astimezone(UTC)
        if at > now:
            at = (today - timedelta(days=1)).astimezone(UTC)
        return at if now - at < _TOO_LATE else None

    def day(self, at: datetime) -> str:
        """The reader's day on which a digest is due: there is one for each."""
        return at.astimezone(ZoneInfo(self.zone)).date().isoformat()


class Selection(Part):
    """Which holds a rule is about. What is left out does not select; everything that is said must be true."""

    codes: tuple[str, ...] = Field(default=(), description="Codes of problems, such as value.missing")
    entities: tuple[str, ...] = Field(default=(), description="Codes of legal entities")
    owners: tuple[str, ...] = Field(
        default=(), description="Teams they belong to, or who answers for them: finance operations"
    )
    amount_above: dict[Currency, Decimal] = Field(
        default_factory=dict[str, Decimal],
        description="Currency → amount: holds worth more. A currency left out has no limit",
    )
    due_within_hours: int | None = Field(default=None, ge=1, description="Only holds that are due within so many hours")
    unowned: bool = Field(default=False, description="Only holds that nobody has taken")


class NotificationRule(Part):
    """Who is told of which holds, how, and how often."""

    name: Name = Field(description="The rule's name: small letters, digits, hyphens")
    channel: Name = Field(description="The channel it is told through")
    to: tuple[str, ...] = Field(
        default=(),
        description="For e-mail, who gets it: addresses, teams of holds, or those whose address stands under owners",
    )
    holds: Selection = Field(default=Selection(), description="Which holds it is about; left out, all of them")
    tells: tuple[Reason, ...] = Field(
        default=REASONS,
        min_length=1,
        description="What is told at once: unowned (due soon and nobody has it), promise (about to be late), "
        "unknown (an outcome that is unknown for 30 minutes), silence (a source that cannot be read), "
        "escalated (an approval that nobody answered in time)",
    )
    cadence: Literal["at_once", "digest", "both"] = Field(
        default="both", description="at_once, digest or both; at once are only the things under tells"
    )
    digest: Digest | None = Field(default=None, description="When the digest is sent")
    amounts: bool = Field(default=True, description="Whether amounts of money may stand in its messages")

    @property
    def at_once(self) -> bool:
        return self.cadence != "digest"

    @property
    def zone(self) -> ZoneInfo:
        """The zone that its messages write times in."""
        return ZoneInfo(self.digest.zone if self.digest else "UTC")
