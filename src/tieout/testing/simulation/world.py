"""One simulated world: workers, people and a target in virtual time, in an order that the seed decides."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from tieout.connectors.contract import Guarantee
from tieout.domain.problems import Misconfigured, Transient
from tieout.engine.run import Later
from tieout.engine.settling import Heard
from tieout.testing.simulation.books import Books, Run
from tieout.testing.simulation.life import Call, Life, Moment, Steps, answer_of, conflict
from tieout.testing.simulation.scenario import Scenario, Trouble, Troubles
from tieout.testing.simulation.target import CREATE, LIFETIME, SETTLE, TIMEOUT, Target

BEGINNING = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
_WORKERS = 3
# A world that is not at rest after so many acts never will be.
_LONGEST = 20_000


# Seconds within which whoever owns a hold comes: mostly soon, sometimes after lunch.
_PEOPLE = (1800, 1800, 1800, 6 * 3600)


class Restless(Exception):
    """The world never came to rest: something is tried again and again."""


@dataclass(slots=True)
class _Living:
    """A life at work, and which of the worker's and the run's lives it is."""

    run: Run
    worker: str
    steps: Steps
    gone: bool = False


@dataclass(slots=True)
class World:
    """Runs a scenario to its end. `told` are subjects that a second look found twice, `story` what happened, act by act."""

    scenario: Scenario
    sabotage: frozenset[str] = frozenset()
    books: Books = field(default_factory=Books)
    target: Target = field(default_factory=Target)
    story: list[str] = field(default_factory=list[str])
    struck: Counter[Trouble] = field(default_factory=Counter[Trouble])
    told: set[str] = field(default_factory=set[str])
    beyond: set[str] = field(default_factory=set[str])
    lives: Counter[str] = field(default_factory=Counter[str])
    telling: bool = False
    _now: datetime = BEGINNING
    _agenda: list[tuple[datetime, int, Callable[[], None]]] = field(
        default_factory=list[tuple[datetime, int, Callable[[], None]]]
    )
    _order: count[int] = field(default_factory=count)
    _calls: Counter[int] = field(default_factory=Counter[int])
    _commits: Counter[int] = field(default_factory=Counter[int])
    _living: list[_Living] = field(default_factory=list[_Living])
    _names: count[int] = field(default_factory=lambda: count(1))
    _present: list[str] = field(default_factory=list[str])
    _chance: Random = field(default_factory=Random)
    _given_to: dict[str, str] = field(default_factory=dict[str, str])

    def now(self) -> datetime:
        return self._now

    def run(self) -> None:
        """Lives the scenario through until nothing is left to do. Raises Restless when that never happens."""
        self._chance.seed(self.scenario.seed)
        self._present = [f"w{next(self._names)}" for _ in range(_WORKERS)]
        for each in self.scenario.arrivals:
            self._at(each.at, lambda each=each: self._arrive(each.subject, each.version))
        for _ in range(_LONGEST):
            if not self._agenda:
                return
            self._now, _, act = heapq.heappop(self._agenda)
            act()
        raise Restless(f"not at rest after {_LONGEST} acts")

    # -- time

    def _at(self, seconds: float, act: Callable[[], None]) -> None:
        self._when(BEGINNING + timedelta(seconds=seconds), act)

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        self._when(self._now + timedelta(seconds=seconds), act)

    def _when(self, moment: datetime, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (moment, next(self._order), act))

    def _tell(self, who: str, what: str) -> None:
        if self.telling:
            self.story.append(f"{(self._now - BEGINNING).total_seconds():>10.2f} s  {who:<14} {what}")

    # -- intake and workers

    def _arrive(self, subject: int, version: int) -> None:
        run = self.books.record(subject, version, self._now, in_order="wall_clock" not in self.sabotage)
        self._tell(f"S{subject}", f"state {version} arrives{'' if run else ', and is nothing new'}")
        if run is not None:
            self._look_for_work(run)

    def _look_for_work(self, run: Run) -> None:
        """A due run is begun by some worker, when its subject's lane is free."""
        self._when(max(run.not_before, self._now), lambda: self._begin_due(run.subject))

    def _begin_due(self, subject: int) -> None:
        if any(each.run.subject == subject and not each.gone for each in self._living):
            return  # the lane is taken; whoever is on it looks again when it ends
        for run in self.books.due(self._now):
            if run.subject == subject:
                self._begin(run, self._chance.choice(self._present))
                return

    def _begin(self, run: Run, worker: str) -> None:
        life = Life(
            self.books,
            self.now,
            run.id,
            run.generation,
            worker,
            self.scenario.customer,
            self.scenario.subjects[run.subject],
            self._content,
            self.sabotage,
        )
        self.lives[run.id] += 1
        self._given_to[run.id] = worker
        living = _Living(run, worker, life.steps())
        self._living.append(living)
        self._tell(worker, f"begins run {run.id}, generation {run.generation}")
        self._go_on(living, None)

    def _content(self, subject: int, version: int) -> int:
        """What the record says now; who believes messages takes what came with this one."""
        if "wall_clock" in self.sabotage:
            return version
        since = (self._now - BEGINNING).total_seconds()
        return sum(at <= since for at in self.scenario.changes[subject]) - 1

    def _end(self, living: _Living) -> None:
        self._living.remove(living)
        run = self.books.runs[living.run.id]
        self._tell(living.worker, f"ends run {run.id}: {run.state}{' ' + run.about if run.about else ''}")
        self._begin_due(run.subject)

    def _look_on(self, run: Run) -> None:
        """What the books now wait for: a person, or a moment."""
        if run.state == "held":
            self._in(self._chance.choice(_PEOPLE) * self._chance.random(), lambda: self._person(run.id))
        for each in self.books.runs.values():
            if each.subject == run.subject and each.state in ("queued", "retrying"):
                self._look_for_work(each)

    def _dies(self, worker: str, *, really: bool = True) -> None:
        """A worker is gone, or taken for it: its runs are adopted, and it comes back under another name."""
        if worker not in self._present:
            return
        self._present.remove(worker)
        self._present.append(f"w{next(self._names)}")
        self._tell(worker, "dies" if really else "stalls and is taken for dead")
        for living in [each for each in self._living if each.worker == worker]:
            living.gone = True
            if really:
                self._living.remove(living)
                living.steps.close()
        self._in(self._chance.uniform(1, 5), lambda: self._adopt(worker))

    def _adopt(self, gone: str) -> None:
        for run in [each for each in self.books.runs.values() if each.state == "running"]:
            if self._given_to[run.id] == gone:
                self._begin(run, self._chance.choice(self._present))
        for subject in {each.subject for each in self.books.runs.values()}:
            self._begin_due(subject)

    # -- people and rounds

    def _person(self, run_id: str) -> None:
        """Whoever owns the hold puts it right, or looks in the target and ends a wait that nobody else can end."""
        run = self.books.runs[run_id]
        if self.books.paused:
            self._tell("person", "puts the connection right")
            self.books.paused = False
        if run.state != "held":
            return
        if run.about == "document" and self._in_doubt_for_good(run):
            self._tell("person", f"looked in the target, and ends run {run_id}")
            self.books.give_up(run_id)
        else:
            self._tell("person", f"releases run {run_id}")
            self.books.release(run_id, self._now)
            self._look_for_work(run)

    def _in_doubt_for_good(self, run: Run) -> bool:
        found = self.books.effects.get((f"create.{Guarantee.NONE.value}", f"S{run.subject}", "1"))
        return found is not None and found.state in ("sent", "unknown")

    def _plan_second_looks(self) -> None:
        for each in self.books.effects.values():
            if each.look_again_at is not None and each.look_again_at > self._now:
                self._when(each.look_again_at, self._look_again)

    def _look_again(self) -> None:
        """The engine's second look at what class D made."""
        for key, each in self.books.effects.items():
            if each.look_again_at is None or each.look_again_at > self._now:
                continue
            self.books.settled(key, each.state)
            if len(self.target.find(key[0], key[1], self._now)) > 1:
                self._tell("second look", f"finds {key[1]} twice")
                self.told.add(key[1])

    # -- one moment of a life

    def _go_on(self, living: _Living, value: Any) -> None:
        self._next(living, lambda: living.steps.send(value))

    def _throw(self, living: _Living, wrong: Exception) -> None:
        self._next(living, lambda: living.steps.throw(wrong))

    def _next(self, living: _Living, act: Callable[[], Moment]) -> None:
        if living not in self._living:
            return  # it died meanwhile
        try:
            moment = act()
        except StopIteration:
            self._end(living)
            return
        if isinstance(moment, Call):
            self._call(living, moment, self._trouble(self.scenario.at_calls, self._calls, living.run.subject))
        else:
            trouble = self._trouble(self.scenario.at_commits, self._commits, living.run.subject)
            self._commit(living, moment.what, moment.act, trouble)

    def _trouble(self, troubles: Troubles, moments: Counter[int], subject: int) -> Trouble | None:
        moments[subject] += 1
        return troubles.get((subject, moments[subject] - 1))

    def _strike(self, trouble: Trouble, living: _Living) -> None:
        self.struck[trouble] += 1
        self._tell(living.worker, f"S{living.run.subject}: {trouble.value}")

    def _commit(self, living: _Living, what: str, act: Callable[[], Any], trouble: Trouble | None) -> None:
        wait = self._chance.uniform(0.001, 0.02)

        def done() -> None:
            if living not in self._living:
                return
            if trouble is Trouble.DIES_BEFORE:
                self._strike(trouble, living)
                self._dies(living.worker)
                return
            if trouble is Trouble.BUG and what not in ("start", "end"):
                self._strike(trouble, living)
                self._throw(living, RuntimeError("a fault of ours"))
                return
            value = act()
            self._tell(living.worker, f"S{living.run.subject}: commits {what}")
            if what == "done":
                self._plan_second_looks()
            if what == "end":
                self._look_on(self.books.runs[living.run.id])
            self._after(living, value, trouble)

        self._in(wait, done)

    def _after(self, living: _Living, value: Any, trouble: Trouble | None) -> None:
        """Goes on with what a moment came to, unless the worker dies or stalls after it."""
        if trouble is Trouble.DIES_AFTER:
            self._strike(trouble, living)
            self._dies(living.worker)
        elif trouble is Trouble.STALLS:
            self._strike(trouble, living)
            self._dies(living.worker, really=False)
            self._in(self._chance.uniform(5, 180), lambda: self._go_on(living, value))
        else:
            self._go_on(living, value)

    def _call(self, living: _Living, call: Call, trouble: Trouble | None) -> None:
        there, back = self._chance.uniform(0.02, 1), self._chance.uniform(0.02, 1)
        if trouble is Trouble.DIES_BEFORE:
            self._strike(trouble, living)
            self._dies(living.worker)
        elif call.what == "find":
            self._in(there, lambda: self._found(living, call, trouble))
        else:
            self._in(there, lambda: self._sent(living, call, trouble, back))

    def _found(self, living: _Living, call: Call, trouble: Trouble | None) -> None:
        if living not in self._living:
            return
        if trouble in (None, Trouble.REFUSED, Trouble.CONFLICT, Trouble.BUG, Trouble.DIES_AFTER, Trouble.STALLS):
            found = bool(self.target.find(call.operation.name, call.request.subject, self._now))
            self._tell(living.worker, f"{call.request.subject}: a search finds {'it' if found else 'nothing'}")
            self._after(living, found, trouble)
            return
        self._strike(trouble, living)
        wrong = Misconfigured("no", "target") if trouble is Trouble.STRANGER else Transient(trouble.value)
        self._throw(living, wrong)

    def _sent(self, living: _Living, call: Call, trouble: Trouble | None, back: float) -> None:
        """The request arrives, or not, and the answer comes back, or not: whoever sent it may be gone by then."""
        request, who = call.request, f"{living.worker}: {call.request.subject}"
        if trouble is not None and trouble not in (Trouble.DIES_AFTER, Trouble.STALLS, Trouble.BUG):
            self._strike(trouble, living)
        if trouble is Trouble.VERY_LATE and call.operation is not CREATE[Guarantee.LOOK_UP]:
            trouble = Trouble.LATE  # nobody promises to tell of what nobody looks at twice
        match trouble:
            case None | Trouble.BUG | Trouble.DIES_AFTER | Trouble.STALLS:
                made = self.target.receive(request, self._now)
                self._tell("target", f"{who}: {request.operation} → {made or 'refused, it is there'}")
                word = Heard.ANSWERED if made else Heard.TAKEN
                self._in(back, lambda: self._after(living, (word, None), trouble))
                return
            case Trouble.LOST | Trouble.GARBLED:
                made = self.target.receive(request, self._now)
                self._tell("target", f"{who}: {request.operation} → {made or 'refused, it is there'}, unheard")
                wait = TIMEOUT.total_seconds() if trouble is Trouble.LOST else back
            case Trouble.SILENT | Trouble.LATE | Trouble.VERY_LATE:
                wait = TIMEOUT.total_seconds()
                self._on_its_way(living, call, trouble)
            case _:
                wait = back
        self._in(wait, lambda: self._go_on(living, self._said(trouble, living)))

    def _said(self, trouble: Trouble, living: _Living) -> tuple[Heard, Exception | None]:
        match trouble:
            case Trouble.AWAY:
                return Heard.AWAY, answer_of(Heard.AWAY)
            case Trouble.BUSY:
                return Heard.AWAY, Transient("slow down", self._chance.uniform(1, 120))
            case Trouble.STRANGER:
                return Heard.AWAY, Misconfigured("no", "target")
            case Trouble.REFUSED:
                return Heard.REFUSED, answer_of(Heard.REFUSED)
            case Trouble.CONFLICT:
                return Heard.REFUSED, conflict()
            case _:
                return Heard.LOST, Later(self._now, "lost")

    def _on_its_way(self, living: _Living, call: Call, trouble: Trouble) -> None:
        """A request that was given up arrives late, or never."""
        if trouble is Trouble.SILENT:
            return
        early, latest = TIMEOUT.total_seconds(), LIFETIME.total_seconds()
        if trouble is Trouble.VERY_LATE:
            early, latest = SETTLE.total_seconds() + 5, 1.5 * SETTLE.total_seconds()
            self.beyond.add(call.request.subject)

        def arrives() -> None:
            made = self.target.receive(call.request, self._now)
            self._tell("target", f"late: {call.request.operation} {call.request.subject} → {made or 'refused'}")

        self._in(self._chance.uniform(early, latest), arrives)
