"""One life of a run: what the shell of the engine does, commit by commit and call by call, as a generator that can die anywhere."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from tieout.connectors.contract import Guarantee, Operation
from tieout.domain.problems import Conflict, Problem, Rejected, Transient
from tieout.engine.ending import DEATHS, Poison, end_of
from tieout.engine.run import Later
from tieout.engine.settling import (
    Accept,
    Heard,
    Hold,
    Known,
    LookUp,
    RecordDone,
    RecordRefused,
    RecordUnknown,
    Send,
    State,
    Wait,
    content_version,
    moved,
    next_act,
    outlived,
    quiet_at,
)
from tieout.testing.simulation.books import Books, Effect, Key, Run
from tieout.testing.simulation.target import CREATE, REPORT, Request

CUSTOMER = "C"
_REFUSED = {"system": "target", "action": "create", "amount": "", "link": ""}


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction of the books; its value is what the act returns."""

    what: str
    act: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the target; its value is a Heard, or a Transient that a look-up met."""

    what: Literal["send", "find"]
    operation: Operation
    request: Request


Moment = Commit | Call
Steps = Generator[Moment, Any, Any]


@dataclass(frozen=True, slots=True)
class Life:
    """What one worker does with one generation of a run. `content` is the record as it is at its source now."""

    books: Books
    clock: Callable[[], datetime]
    run_id: str
    generation: int
    worker: str
    customer: Guarantee
    guarantee: Guarantee
    content: Callable[[int, int], int]
    sabotage: frozenset[str] = frozenset()

    def steps(self) -> Steps:
        row: Run | None = yield Commit("start", lambda: self.books.start(self.run_id, self.generation, self.worker))
        if row is None:
            return
        how: Exception | None = None
        try:
            if row.deaths >= DEATHS:
                raise Poison(f"{row.deaths} workers ended at it")
            yield from self._flow(row)
        except Exception as ended:  # every way a flow can end is decided below
            how = ended
        yield Commit("end", lambda: self.books.ended(row, end_of(how, row.attempts, self.clock())))

    def _flow(self, row: Run) -> Steps:
        """Creates the customer that all subjects share, then the subject, then reports what its record says."""
        subject = f"S{row.subject}"
        content = self.content(row.subject, row.version)
        for guarantee, name in ((self.customer, CUSTOMER), (self.guarantee, subject)):
            create = CREATE[guarantee]
            yield from self._perform(row, create, Request(create.name, guarantee, name, "1", 0))
        yield from self._keep(row, Request(REPORT.name, REPORT.guarantee, subject, "", content))

    def _keep(self, row: Run, wanted: Request) -> Steps:
        books, under = self.books, (wanted.operation, wanted.subject)

        def look() -> tuple[str | None, Effect | None]:
            version = content_version(books.newest(*under), books.changes(*under), f"{wanted.content:04}")
            return version, books.effects.get((*under, version or ""))

        version, stored = yield Commit("look", look)
        if version is None:
            return
        quiet = quiet_at(books.others((*under, version)), REPORT.settle, self.sabotage)
        if quiet is not None and quiet > self.clock():
            raise Later(quiet, "an older content may still arrive")
        yield from self._make(row, REPORT, replace(wanted, version=version), stored)

    def _perform(self, row: Run, operation: Operation, wanted: Request) -> Steps:
        key = (wanted.operation, wanted.subject, wanted.version)
        stored: Effect | None = yield Commit("look", lambda: self.books.effects.get(key))
        yield from self._make(row, operation, wanted, stored)

    def _make(self, row: Run, operation: Operation, wanted: Request, stored: Effect | None) -> Steps:
        key = (wanted.operation, wanted.subject, wanted.version)
        if self.books.paused:
            raise Transient("paused", 60)
        heard: tuple[Heard, ...] = ()
        told: Exception | None = None
        claim = stored.attempts + 1 if stored else 1
        while True:
            act = next_act(operation, _known(stored), heard, self.clock(), self.sabotage)
            match act:
                case Accept():
                    return
                case Wait(until):
                    raise Later(until, act.why)
                case Hold():
                    raise Rejected(_unknown(wanted))
                case LookUp():
                    found: bool = yield Call("find", operation, wanted)
                    heard = (*heard, Heard.FOUND if found else Heard.ABSENT)
                case Send():
                    request = stored.request if act.kept and stored else wanted
                    word, told = yield from self._send(row, operation, key, stored, act, request)
                    heard = (*heard, word)
                case RecordDone(again):
                    yield Commit("done", lambda: self._done(key, again))
                    return
                case RecordUnknown(until):
                    yield Commit("unknown", lambda: self._mark(key, "unknown", claim))
                    raise told if until is None and told else Later(until or self.clock(), "unknown")
                case RecordRefused():
                    yield Commit("refused", lambda: self._mark(key, "refused", claim))
                    raise told or Rejected(_refused(wanted))

    def _send(
        self, row: Run, operation: Operation, key: Key, stored: Effect | None, act: Send, request: Request
    ) -> Generator[Moment, Any, tuple[Heard, Exception | None]]:
        claimed_at = self.clock()
        claimed: bool = yield Commit("claim", lambda: self._claim(row, key, stored, act, request))
        if not claimed:
            return Heard.OVERTAKEN, None
        if outlived(claimed_at, self.clock(), self.sabotage):
            return Heard.AWAY, Transient("the hub stood still")
        word, told = yield Call("send", operation, request)
        return word, told

    def _done(self, key: Key, look_again_at: datetime | None) -> None:
        """A newer content that is confirmed makes older ones that never settled immaterial, in the same commit."""
        if self.books.done(key, look_again_at) and key[0] == REPORT.name:
            self.books.supersede(*key)

    def _mark(self, key: Key, state: State, claim: int) -> None:
        if "blind_mark" in self.sabotage:
            self.books.settled(key, state)
        else:
            self.books.mark(key, state, claim)

    def _claim(self, row: Run, key: Key, stored: Effect | None, act: Send, request: Request) -> bool:
        if not self.books.still_mine(row) and "zombie" not in self.sabotage:
            return False
        if moved(_known(stored), _known(self.books.effects.get(key)), self.sabotage):
            return False
        self.books.sending(key, request, act.claimed_as, self.clock())
        return True


def answer_of(word: Heard) -> Exception | None:
    """What a connector raises with a word; nothing where there is a receipt."""
    match word:
        case Heard.AWAY:
            return Transient("away")
        case Heard.REFUSED:
            return Rejected(Problem("target.refused", {**_REFUSED, "subject": "it"}))
        case _:
            return None


def conflict() -> Exception:
    return Conflict("somebody else changed it")


def _known(stored: Effect | None) -> Known | None:
    return None if stored is None else stored.known


def _unknown(wanted: Request) -> Problem:
    return Problem("target.unknown", {"system": "target", "action": "create", "subject": wanted.subject, "link": ""})


def _refused(wanted: Request) -> Problem:
    return Problem("target.refused", {**_REFUSED, "subject": wanted.subject})
