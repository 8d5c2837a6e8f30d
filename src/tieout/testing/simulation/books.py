"""The hub's books in memory: messages, runs and effects with the rules of `tieout.store`, one act at a time like a commit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from tieout.engine.ending import Again, End, Over, Stop
from tieout.engine.settling import Known, State
from tieout.testing.simulation.target import Request

Key = tuple[str, str, str]


@dataclass(slots=True)
class Message:
    """A state of a record that was acknowledged. What it is worth is `minor`."""

    subject: int
    version: int
    sequence: int
    minor: int
    state: str = "in_flight"
    run: str = ""


@dataclass(slots=True)
class Run:
    """As the table of runs has it."""

    id: str
    subject: int
    version: int
    sequence: int
    not_before: datetime
    state: str = "queued"
    generation: int = 1
    attempts: int = 0
    deaths: int = 0
    worker: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """As the table of effects has it."""

    request: Request
    state: State
    attempts: int
    first_sent_at: datetime
    sent_at: datetime
    receipt: str = ""
    look_again_at: datetime | None = None

    @property
    def known(self) -> Known:
        return Known(self.state, self.attempts, self.sent_at, self.first_sent_at)


@dataclass(slots=True)
class Books:
    """Every method is one transaction."""

    messages: dict[tuple[int, int], Message] = field(default_factory=dict[tuple[int, int], Message])
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    effects: dict[Key, Effect] = field(default_factory=dict[Key, Effect])
    received: int = 0
    received_minor: int = 0
    paused: bool = False

    # -- intake

    def record(self, subject: int, version: int, now: datetime, *, in_order: bool = True) -> Run | None:
        """Stores a state and queues its run; nothing when it was seen before, no run when a newer one was."""
        if (subject, version) in self.messages:
            return None
        message = Message(subject, version, len(self.messages), 100 + version)
        seen = [each for each in self.messages.values() if each.subject == subject]
        self.messages[subject, version] = message
        self.received += 1
        self.received_minor += message.minor
        if in_order and any(each.version > version for each in seen):
            message.state = "ignored"
            return None
        run = Run(f"{subject}:{version}", subject, version, len(self.runs), now)
        self.runs[run.id] = run
        message.run = run.id
        return run

    # -- runs

    def due(self, now: datetime) -> list[Run]:
        """Runs to begin, the earliest first."""
        found = [each for each in self.runs.values() if each.state in ("queued", "retrying") and each.not_before <= now]
        return sorted(found, key=lambda each: (each.not_before, each.sequence))

    def start(self, run_id: str, generation: int, worker: str) -> Run | None:
        """Takes a run for working on; older runs of the subject that are not finished end here."""
        run = self.runs[run_id]
        if run.generation != generation or run.state not in ("queued", "retrying", "running"):
            return None
        run.deaths += run.state == "running"
        run.state, run.worker, run.about = "running", worker, ""
        run.attempts += 1
        for other in self.runs.values():
            older = other.subject == run.subject and other.sequence < run.sequence
            if older and other.state in ("queued", "retrying", "held", "waiting"):
                other.state = "ignored"
                self._settle(other.id, "ignored")
        return replace(run)

    def still_mine(self, run: Run) -> bool:
        now = self.runs[run.id]
        return (now.generation, now.worker, now.state) == (run.generation, run.worker, "running")

    def ended(self, run: Run, end: End) -> None:
        """Writes the end down, unless another worker took the run over meanwhile."""
        if not self.still_mine(run):
            return
        kept = self.runs[run.id]
        match end:
            case Over(state):
                kept.state = state
                self._settle(run.id, state)
            case Again(at, reset):
                self._again(kept, at, reset=reset)
            case Stop(state, about):
                kept.state, kept.about = state, about
                self.paused = self.paused or about == "connection"
                self._settle(run.id, "held")

    def release(self, run_id: str, now: datetime) -> None:
        """A person lets a held run go on."""
        run = self.runs[run_id]
        if run.state not in ("held", "waiting"):
            return
        self._again(run, now, reset=True)
        run.state = "queued"
        for message in self.messages.values():
            if message.run == run_id and message.state == "held":
                message.state = "in_flight"

    def give_up(self, run_id: str) -> None:
        """A person ends the wait without doing anything."""
        self.runs[run_id].state = "ignored"
        self._settle(run_id, "ignored", of=("in_flight", "held"))

    def _again(self, run: Run, at: datetime, *, reset: bool) -> None:
        run.state, run.not_before = "retrying", at
        run.generation += 1
        run.attempts = 0 if reset else run.attempts
        run.deaths = 0 if reset else run.deaths

    def _settle(self, run_id: str, state: str, of: tuple[str, ...] = ("in_flight",)) -> None:
        of = (*of, "held") if state == "ignored" else of
        for message in self.messages.values():
            if message.run == run_id and message.state in of:
                message.state = state

    # -- effects

    def sending(self, key: Key, request: Request, state: State, now: datetime) -> None:
        before = self.effects.get(key)
        self.effects[key] = Effect(
            request,
            state,
            before.attempts + 1 if before else 1,
            before.first_sent_at if before else now,
            now,
            before.receipt if before else "",
            before.look_again_at if before else None,
        )

    def mark(self, key: Key, state: State, claim: int) -> None:
        """What became of a sending, unless somebody else was on the effect since its claim."""
        before = self.effects[key]
        if (before.state, before.attempts) == ("sent", claim):
            self.settled(key, state)

    def done(self, key: Key, look_again_at: datetime | None) -> bool:
        """Whether this is the first receipt: that one stays."""
        if self.effects[key].state == "done" and self.effects[key].receipt:
            return False
        self.settled(key, "done", receipt="made", look_again_at=look_again_at)
        return True

    def settled(self, key: Key, state: State, *, receipt: str = "", look_again_at: datetime | None = None) -> None:
        before = self.effects[key]
        self.effects[key] = replace(before, state=state, receipt=receipt or before.receipt, look_again_at=look_again_at)

    def newest(self, operation: str, subject: str) -> tuple[str, State] | None:
        """The version that was last wanted and what became of it."""
        found: list[tuple[str, State]] = [
            (key[2], each.state)
            for key, each in self.effects.items()
            if key[:2] == (operation, subject) and each.state != "superseded"
        ]
        return max(found, default=None)

    def others(self, key: Key) -> list[Known]:
        """The other contents of a subject."""
        return [each.known for other, each in self.effects.items() if other[:2] == key[:2] and other[2] != key[2]]

    def changes(self, operation: str, subject: str) -> int:
        return sum(key[:2] == (operation, subject) for key in self.effects)

    def supersede(self, operation: str, subject: str, version: str) -> None:
        for key, each in self.effects.items():
            open_ = each.state in ("sent", "unknown", "refused")
            if key[:2] == (operation, subject) and key[2] < version and open_:
                self.effects[key] = replace(each, state="superseded")
