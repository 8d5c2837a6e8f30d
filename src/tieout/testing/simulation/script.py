"""A history that can be lived twice, in the simulation and in the real engine: one life after the other, by a script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tieout.connectors.contract import Guarantee
from tieout.domain.problems import Conflict, Problem, Rejected, Transient
from tieout.engine.settling import Heard
from tieout.testing.crash import Crashed
from tieout.testing.simulation.scenario import Trouble, Troubles
from tieout.testing.simulation.target import LIFETIME, Request, Target
from tieout.testing.simulation.world import BEGINNING

_REFUSAL = {"system": "model", "action": "do", "subject": "it", "amount": "", "link": ""}
# What a caller hears of a target that did nothing and says so.
_TOLD: Mapping[Trouble | None, tuple[Heard, Exception]] = {
    Trouble.AWAY: (Heard.AWAY, Transient("away")),
    Trouble.BUSY: (Heard.AWAY, Transient("slow down", 30)),
    Trouble.REFUSED: (Heard.REFUSED, Rejected(Problem("target.refused", _REFUSAL))),
    Trouble.CONFLICT: (Heard.REFUSED, Conflict("somebody else")),
}
_AT_CALLS = (
    Trouble.LOST, Trouble.GARBLED, Trouble.SILENT, Trouble.LATE, Trouble.AWAY, Trouble.BUSY, Trouble.UNAVAILABLE,
    Trouble.REFUSED, Trouble.CONFLICT, Trouble.DIES_BEFORE, Trouble.DIES_AFTER, Trouble.BUG,
)  # fmt: skip
_AT_COMMITS = (Trouble.DIES_BEFORE, Trouble.DIES_AFTER)
_STEPS = ("work", "forward", "forward", "deliver", "people", "arrive", "arrive")
_WAITS = (1, 3, 15, 45, 400, 8000)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the script: `work` lives through all that is due, `forward` lets seconds pass, `deliver` brings what is
    late, `people` answer holds, `arrive` brings a state of a subject's record.
    """

    what: str
    subject: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """What happens, and what goes wrong at the n-th call and commit of a subject."""

    seed: int
    customer: Guarantee
    subjects: tuple[Guarantee, ...]
    steps: tuple[Step, ...]
    at_calls: Troubles
    at_commits: Troubles


def scripted(seed: int) -> Script:
    """The script of a seed: some turmoil, then enough quiet for everything to come to rest."""
    chance = Random(seed)  # noqa: S311 - the same seed, the same script
    customer = chance.choice([each for each in Guarantee if each is not Guarantee.NONE])
    subjects = tuple(chance.choice(list(Guarantee)) for _ in range(chance.randint(1, 3)))
    newest = dict.fromkeys(range(len(subjects)), 0)
    steps = [Step("arrive", each) for each in newest]
    for _ in range(chance.randint(8, 24)):
        steps.append(_step(chance, newest))
    quiet = (Step("deliver"), Step("people"), Step("work"), Step("forward", number=400))
    steps += [Step("arrive", subject, version) for subject, version in newest.items()] + [*quiet] * 12
    share = chance.choice((0.15, 0.4))
    return Script(
        seed,
        customer,
        subjects,
        tuple(steps),
        _drawn(chance, len(subjects), 10, _AT_CALLS, share),
        _drawn(chance, len(subjects), 24, _AT_COMMITS, share / 4),
    )


def _step(chance: Random, newest: dict[int, int]) -> Step:
    what = chance.choice(_STEPS)
    if what == "forward":
        return Step(what, number=chance.choice(_WAITS))
    if what != "arrive":
        return Step(what)
    subject = chance.choice(list(newest))
    if chance.random() < 0.5:
        newest[subject] += 1
        return Step(what, subject, newest[subject])
    return Step(what, subject, chance.randint(0, newest[subject]))


def _drawn(chance: Random, subjects: int, moments: int, kinds: tuple[Trouble, ...], share: float) -> Troubles:
    return {
        (subject, moment): chance.choice(kinds)
        for subject in range(subjects)
        for moment in range(moments)
        if chance.random() < share
    }


@dataclass(slots=True)
class Stage:
    """What a script is played on: the target, the source, the clock, and the history as it is written.

    `playing` is the subject whose run is at work: troubles are counted for it.
    """

    script: Script
    target: Target = field(default_factory=Target)
    history: list[str] = field(default_factory=list[str])
    struck: Counter[Trouble] = field(default_factory=Counter[Trouble])
    playing: int = 0
    now: datetime = BEGINNING
    _current: Counter[int] = field(default_factory=Counter[int])
    _late: list[tuple[datetime, Request]] = field(default_factory=list[tuple[datetime, Request]])
    _calls: Counter[int] = field(default_factory=Counter[int])
    _commits: Counter[int] = field(default_factory=Counter[int])

    def clock(self) -> datetime:
        return self.now

    def forward(self, seconds: int) -> None:
        """Time passes, and late requests arrive at their latest moment. Less than none sets the clock back, and only the clock."""
        step = timedelta(seconds=seconds)
        if seconds < 0:
            self._late = [(latest + step, request) for latest, request in self._late]
        self.deliver(until=self.now + step)
        self.now += step

    def deliver(self, until: datetime | None = None) -> None:
        """What is late arrives now or, with `until`, at the moment after which it cannot be on its way any more."""
        for latest, request in [each for each in self._late if until is None or each[0] <= until]:
            at = self.now if until is None else latest
            self.history.append(f"late: {_told(request)} → {self.target.receive(request, at)}")
            self._late.remove((latest, request))

    def arrive(self, subject: int, version: int) -> None:
        self._current[subject] = max(self._current[subject], version)

    def content(self, subject: int) -> int:
        """What the subject's record says now."""
        return self._current[subject]

    # -- moments of a life

    def before_commit(self) -> Trouble | None:
        """Raises Crashed when the worker dies before this commit; otherwise what strikes after it."""
        trouble = self.script.at_commits.get((self.playing, self._commits[self.playing]))
        self._commits[self.playing] += 1
        if trouble is Trouble.DIES_BEFORE:
            self._strike(trouble)
            raise Crashed("before a commit")
        return trouble

    def after_commit(self, trouble: Trouble | None) -> None:
        self.history.append(f"commit by S{self.playing}")
        if trouble is Trouble.DIES_AFTER:
            self._strike(trouble)
            raise Crashed("after a commit")

    def send(self, request: Request) -> tuple[Heard, Exception | None]:
        """One attempt: what the target did, and what its caller hears. Raises Crashed, or a fault of ours."""
        trouble = self._trouble()
        if trouble is Trouble.DIES_BEFORE:
            raise Crashed("before a call")
        if trouble is Trouble.BUG:
            raise RuntimeError("a fault of ours")
        heard = self._heard(trouble, request)
        self.history.append(f"{_told(request)}: {trouble.value if trouble else 'arrives'} → {heard[0].value}")
        if trouble is Trouble.DIES_AFTER:
            raise Crashed("after a call")
        return heard

    def find(self, request: Request) -> bool:
        """A look-up. Raises Crashed, Transient, or a fault of ours."""
        trouble = self._trouble()
        if trouble is Trouble.DIES_BEFORE:
            raise Crashed("before a look-up")
        if trouble is Trouble.BUG:
            raise RuntimeError("a fault of ours")
        if trouble is not None and trouble is not Trouble.DIES_AFTER:
            raise Transient(trouble.value)
        found = bool(self.target.find(request.operation, request.subject, self.now))
        self.history.append(f"look up {request.operation} {request.subject} → {found}")
        if trouble is Trouble.DIES_AFTER:
            raise Crashed("after a look-up")
        return found

    def _trouble(self) -> Trouble | None:
        trouble = self.script.at_calls.get((self.playing, self._calls[self.playing]))
        self._calls[self.playing] += 1
        if trouble is not None:
            self._strike(trouble)
        return trouble

    def _strike(self, trouble: Trouble) -> None:
        self.struck[trouble] += 1

    def _heard(self, trouble: Trouble | None, request: Request) -> tuple[Heard, Exception | None]:
        if trouble in _TOLD:
            return _TOLD[trouble]
        if trouble is Trouble.LATE:
            self._late.append((self.now + LIFETIME, request))
        if trouble in (Trouble.LATE, Trouble.SILENT, Trouble.UNAVAILABLE):
            return Heard.LOST, None
        made = self.target.receive(request, self.now)
        if trouble in (Trouble.LOST, Trouble.GARBLED):
            return Heard.LOST, None
        return (Heard.ANSWERED if made else Heard.TAKEN), None


def _told(request: Request) -> str:
    return f"{request.operation} {request.subject} {request.version[:6]} says {request.content}"


def ending(stage: Stage, effects: list[Any], runs: list[Any], messages: list[Any]) -> dict[str, Any]:
    """How a script ended, in a form that two plays of it can be compared by."""
    made = {f"{operation} {subject}": len(each) for (operation, subject), each in stage.target.made.items() if each}
    return {
        "effects": sorted(effects),
        "runs": sorted(runs),
        "messages": sorted(messages),
        "made": made,
        "reports": dict(stage.target.reports),
    }
