"""What Tryton's errors mean to the hub: try again, ask a person, read again, or pause the connection."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass

from tieout.connectors.contract import AlreadyThere, OutcomeUnknown
from tieout.connectors.tryton.errors import (
    Refusal,
    TrytonConcurrency,
    TrytonError,
    TrytonUnauthorized,
    TrytonUnavailable,
    TrytonUnknownOutcome,
    TrytonUserError,
)
from tieout.domain.problems import Conflict, Misconfigured, Problem, Rejected, Transient


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is being done to which subject, in the words that a problem needs; `waits` is what comes after it."""

    system: str
    action: str
    subject: str
    waits: str = ""
    link: str = ""

    def refused(self, quote: str) -> Problem:
        facts = {
            "system": self.system,
            "action": self.action,
            "subject": self.subject,
            "amount": self.waits or "the next step",
            "link": self.link,
        }
        return Problem("target.refused", facts, quote=quote)

    def refuse(self, quotes: Iterable[str], also: Iterable[Problem] = ()) -> None:
        """Raises Rejected with every problem at once; does nothing when there is none."""
        problems = [*also, *(self.refused(each) for each in quotes)]
        if problems:
            raise Rejected(*problems)


@contextmanager
def reading(attempt: Attempt) -> Generator[None]:
    """A read that fails has had no effect: it can simply be made again."""
    with _told(attempt):
        try:
            yield
        except TrytonUnknownOutcome as cut:
            raise Transient(f"{attempt.system}: {cut}") from cut


@contextmanager
def writing(attempt: Attempt) -> Generator[None]:
    """Raises AlreadyThere for a taken key, OutcomeUnknown when no answer came that can be believed."""
    with _told(attempt):
        try:
            yield
        except TrytonUnknownOutcome as cut:
            raise OutcomeUnknown(f"{attempt.system}: {cut}") from cut
        except TrytonUserError as refused:
            if refused.refusal is Refusal.UNIQUE:
                raise AlreadyThere(str(refused)) from refused
            raise


@contextmanager
def written(attempt: Attempt) -> Generator[None]:
    """A read that belongs to a write which has happened: when it fails, however it does, what is unknown is the receipt."""
    try:
        with reading(attempt):
            yield
    except (Transient, Rejected, Conflict, Misconfigured) as lost:
        raise OutcomeUnknown(f"{attempt.system}: it was done, and cannot be read: {lost.args[0]}") from lost


@contextmanager
def following(attempt: Attempt) -> Generator[None]:
    """A read that only follows what changes is never wrong in itself: whatever refuses it, it is made again."""
    try:
        with reading(attempt):
            yield
    except (Rejected, Conflict) as refused:
        quotes = "; ".join(each.quote for each in refused.problems) if isinstance(refused, Rejected) else str(refused)
        raise Transient(f"{attempt.system} cannot be read: {quotes}") from refused


@contextmanager
def _told(attempt: Attempt) -> Generator[None]:
    try:
        yield
    except TrytonUnavailable as away:
        # Not sent, or answered 503 or 429 after it had been rolled back.
        raise Transient(f"{attempt.system}: {away}", away.after) from away
    except TrytonUnauthorized as stranger:
        raise Misconfigured(str(stranger), attempt.system) from stranger
    except TrytonConcurrency as changed:
        raise Conflict(str(changed)) from changed
    except TrytonUserError as refused:
        if refused.refusal is Refusal.ACCESS:
            raise Misconfigured(str(refused), attempt.system) from refused
        raise Rejected(attempt.refused(str(refused))) from refused
    except TrytonError as other:
        # A question is a refusal to the hub: it accepts none on finance's behalf. A fault was rolled back.
        raise Rejected(attempt.refused(str(other))) from other
