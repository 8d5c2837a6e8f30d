"""A target system of every guarantee class, in memory: it keeps keys for two hours, upserts, refuses seconds, lets itself be searched."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tieout.connectors.contract import Claim, Guarantee, Operation

# How long a key is remembered (vendors: a day), and how long a record that was made is not yet found by a search.
RETENTION = timedelta(hours=2)
LAG = timedelta(seconds=5)
# A late request arrives within this time after it was sent.
LIFETIME = timedelta(seconds=25)
TIMEOUT = timedelta(seconds=10)
SETTLE = timedelta(seconds=40)
CREATE = {
    each: Operation(
        f"create.{each.value}",
        each,
        "create",
        SETTLE,
        timedelta(minutes=90) if each is Guarantee.KEY else timedelta(0),
        creates="record",
        money=Claim.UNTOUCHED,
        undo="",
    )
    for each in Guarantee
}
REPORT = Operation("report", Guarantee.UPSERT, "report", SETTLE, creates="", money=Claim.UNTOUCHED, undo="")


@dataclass(frozen=True, slots=True)
class Request:
    """The exact bytes, as far as a simulation needs them."""

    operation: str
    guarantee: Guarantee
    subject: str
    version: str
    content: int


@dataclass(frozen=True, slots=True)
class Made:
    """One record of the target."""

    id: str
    at: datetime


@dataclass(slots=True)
class Target:
    """Its books: what was made under each operation and subject, and what each subject's report says now."""

    made: dict[tuple[str, str], list[Made]] = field(
        default_factory=lambda: defaultdict[tuple[str, str], list[Made]](list)
    )
    reports: dict[str, int] = field(default_factory=dict[str, int])
    received: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict[tuple[str, str], int](int))
    _keys: dict[tuple[str, str, str], Made] = field(default_factory=dict[tuple[str, str, str], Made])

    def receive(self, request: Request, now: datetime) -> str | None:
        """Carries a request out and answers with the record's id; None when a unique field refuses a second one."""
        under = (request.operation, request.subject)
        self.received[under] += 1
        there = self.made[under]
        if request.operation == REPORT.name:
            self.reports[request.subject] = request.content
            return request.subject
        match request.guarantee:
            case Guarantee.KEY:
                return self._keyed(request, now).id
            case Guarantee.UPSERT if there:
                return there[0].id
            case Guarantee.UNIQUE if there:
                return None
            case _:
                return self._make(request, now).id

    def find(self, operation: str, subject: str, now: datetime) -> list[str]:
        """The ids under a subject that the index knows by now."""
        if operation == REPORT.name:
            return [subject] if subject in self.reports else []
        lag = LAG if operation == CREATE[Guarantee.LOOK_UP].name else timedelta(0)
        return [each.id for each in self.made[operation, subject] if each.at + lag <= now]

    def _keyed(self, request: Request, now: datetime) -> Made:
        key = (request.operation, request.subject, request.version)
        kept = self._keys.get(key)
        if kept is None or kept.at + RETENTION <= now:
            kept = self._keys[key] = self._make(request, now)
        return kept

    def _make(self, request: Request, now: datetime) -> Made:
        there = self.made[request.operation, request.subject]
        there.append(Made(f"{request.operation}/{request.subject}/{len(there) + 1}", now))
        return there[-1]
