"""How figures, times and states are written, the same on every page: money exact, age in words, times in the viewer's zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from tieout.domain.masking import MASK, TITLE
from tieout.domain.money import Money, minor_digits
from tieout.flows.catalogue import FLOWS

MINUS = "\u2212"
# Of no width: after the point of what is no money.
HOURS = "\u2060"
# State → (icon, tone): never a colour alone.
_TONES = {
    "good": ("done", "paid", "posted", "active", "approved", "resolved"),
    "warn": (
        "held",
        "waiting",
        "tentative",
        "partly_paid",
        "validated",
        "snoozed",
        "paused",
        "unknown",
        "submitted",
        "retrying",
    ),
    "bad": ("refused", "rejected", "cancelled", "deleted", "overdue"),
}
GUARANTEES = {
    "A": "The target remembers our key: sending again is safe.",
    "B": "Upsert by our own id: sending again is safe.",
    "C": "A unique field of ours refuses a second one.",
    "D": "We wait, look it up by our reference, then decide.",
    "E": "One attempt; a person looks when the answer is lost.",
}
# What a plan does to a target, and how a document of it would end: a word for a row, and a tone.
ACTS = {
    "create": ("will create", "good"),
    "update": ("will update", "good"),
    "ask": ("will ask first", "warn"),
    "skip": ("is there already", "calm"),
}
ENDS = {
    "done": ("goes through", "good"),
    "ignored": ("nothing to do", "calm"),
    "held": ("still waits", "warn"),
    "waiting": ("waits for others", "warn"),
    "later": ("cannot go on now", "warn"),
    "open": ("the target decides", "warn"),
    "fault": ("fault in Tieout", "bad"),
}
PLANS = {
    "making": ("being made", "calm"),
    "open": ("ready", "warn"),
    "checking": ("checking", "calm"),
    "running": ("at work", "calm"),
    "done": ("done", "good"),
    "stopped": ("stopped", "warn"),
    "moved": ("overtaken", "bad"),
    "discarded": ("discarded", "calm"),
}
HOWS = {"as_it_is_now": "as it is now", "as_it_was": "as it was"}


def money(minor: Decimal | int | None, currency: str) -> Money | None:
    """Money from stored minor units; None where a row carries no currency and so no amount."""
    return Money.from_minor(int(minor or 0), currency) if currency else None


def amount(value: Decimal | str | None, currency: str) -> Money | None:
    """Money from a stored decimal; None where there is none yet."""
    return Money(Decimal(value), currency).rounded() if value is not None and currency else None


def sums(amounts: Iterable[Money | None]) -> tuple[Money, ...]:
    """Sums per currency, never converted, the largest first; a sum of nothing is empty."""
    found: dict[str, Money] = {}
    for each in amounts:
        if each is not None:
            found[each.currency] = found.get(each.currency, Money.zero(each.currency)) + each
    return tuple(sorted(found.values(), key=lambda each: (-each.amount, each.currency)))


def figure(value: Money) -> str:
    """1,234.50 with exactly the currency's minor digits; the currency stands beside it."""
    text = f"{abs(value.amount):,.{minor_digits(value.currency)}f}"
    return f"{MINUS}{text}" if value.amount < 0 else text


def number(value: Decimal | float | None, digits: int = 2) -> str:
    if value is None:
        return ""
    text = f"{abs(Decimal(str(value))):,.{digits}f}"
    return f"{MINUS}{text}" if value < 0 else text


def plain(value: Decimal) -> str:
    """A quantity with all of its digits and no more: 12.5."""
    return f"{value.normalize():,f}"


def exactly(value: Decimal, currency: str) -> str:
    """A plain amount or rate beside its currency: at least the minor digits, and every further digit that it has."""
    exponent = value.normalize().as_tuple().exponent
    further = -exponent if isinstance(exponent, int) else 0
    return number(value, max(minor_digits(currency), further))


def hours(minutes: Decimal | int | None) -> str:
    return number(Decimal(int(minutes or 0)) / 60, 2)


def count(value: int, one: str, many: str = "") -> str:
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def lasting(span: timedelta) -> str:
    """A duration in its one or two largest units: 40 s, 12 min, 5 h, 3 d 4 h."""
    seconds = int(abs(span).total_seconds())
    if seconds < 1:
        return f"{abs(span).total_seconds() * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86400:
        return f"{seconds // 3600} h"
    days, rest = divmod(seconds, 86400)
    return f"{days} d {rest // 3600} h" if days < 3 and rest >= 3600 else f"{days:,} d"


def ago(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never"
    if now - at < timedelta(seconds=5):
        return "just now"
    return f"{lasting(now - at)} ago"


def due(at: datetime, now: datetime) -> str:
    return f"in {lasting(at - now)}" if at > now else f"overdue {lasting(now - at)}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Wed 25 Nov, 14:05, in the viewer's zone."""
    return f"{at.astimezone(zone):%a %-d %b, %H:%M}"


def moment_to_the_second(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%-d %b, %H:%M:%S}"


def utc(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo('UTC')):%Y-%m-%d %H:%M:%S} UTC"


def day(value: date | str | None) -> str:
    if not value:
        return ""
    parsed = value if isinstance(value, date) else date.fromisoformat(value)
    return f"{parsed:%-d %b %Y}"


def person(name: str) -> str:
    """Who it is, for people: the books keep the address, a list shows the name in it."""
    local, at, _ = name.partition("@")
    return " ".join(part.capitalize() for part in local.replace("_", ".").split(".")) if at else name


def opening(text: str) -> str:
    """The text with a capital first letter, the others as they are."""
    return text[:1].upper() + text[1:]


def flow_title(name: str) -> str:
    return next((each.title for each in FLOWS if each.name == name), opening(words(name)))


def words(name: str) -> str:
    """partly_paid → partly paid, for states and field names that nobody gave another word."""
    return name.replace("_", " ").replace(".", " ")


def tone(state: str) -> str:
    return next((tone for tone, states in _TONES.items() if state in states), "calm")


def dash(*_: Any) -> Markup:
    """What stands in place of an amount for somebody whose role shows none."""
    return Markup('<span class="masked" title="{}">{}</span>').format(TITLE, MASK)


def hours_alone(minutes: Decimal | int | None) -> str:
    """Hours where every other decimal is taken for money: with a mark that no reader sees."""
    return hours(minutes).replace(".", f".{HOURS}")


def number_alone(value: Decimal | float | None, digits: int = 2) -> str:
    """As `hours_alone`, for a quantity."""
    return number(value, digits).replace(".", f".{HOURS}")


def plain_alone(value: Decimal) -> str:
    """As `hours_alone`, for a metered quantity."""
    return plain(value).replace(".", f".{HOURS}")


def value(anything: Any) -> str:
    """A canonical field as a person reads it."""
    if anything is None or anything == "":
        return "-"
    if isinstance(anything, bool):
        return "yes" if anything else "no"
    return str(anything)
