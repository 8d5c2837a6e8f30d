"""Plays a script in the simulation: the same generators as in the troubled worlds, one life after the other."""

from __future__ import annotations

from collections import deque
from typing import Any

from tieout.connectors.contract import Guarantee
from tieout.engine.run import Later
from tieout.engine.settling import Heard
from tieout.testing.crash import Crashed
from tieout.testing.simulation.books import Books
from tieout.testing.simulation.life import Call, Life, Moment
from tieout.testing.simulation.script import Script, Stage, Step, ending


class InTurn:
    """One play of a script."""

    def __init__(self, script: Script, sabotage: frozenset[str] = frozenset()) -> None:
        self.stage = Stage(script)
        self._books = Books()
        self._sabotage = sabotage
        self._worker = 1

    def play(self) -> dict[str, Any]:
        """How it ended; `stage.history` tells how it went."""
        for step in self.stage.script.steps:
            self._step(step)
        books = self._books
        return ending(
            self.stage,
            [
                (key[0], key[1], key[2][:6], each.state, each.attempts, each.sent_at, each.look_again_at or "")
                for key, each in books.effects.items()
            ],
            [(each.subject, each.version, each.state, each.generation, each.attempts) for each in books.runs.values()],
            [(each.subject, each.version, each.state) for each in books.messages.values()],
        )

    def _step(self, step: Step) -> None:
        match step.what:
            case "arrive":
                self.stage.arrive(step.subject, step.number)
                self._books.record(step.subject, step.number, self.stage.now)
            case "forward":
                self.stage.forward(step.number)
            case "deliver":
                self.stage.deliver()
            case "people":
                self._people()
            case _:
                self._work()

    def _people(self) -> None:
        for run in [each for each in self._books.runs.values() if each.state == "held"]:
            effect = self._books.effects.get((f"create.{Guarantee.NONE.value}", f"S{run.subject}", "1"))
            if effect is not None and effect.state in ("sent", "unknown"):
                self._books.give_up(run.id)
            else:
                self._books.release(run.id, self.stage.now)

    def _work(self) -> None:
        due = deque((each.id, each.generation, each.subject) for each in self._books.due(self.stage.now))
        while due:
            run_id, generation, self.stage.playing = due[0]
            try:
                self._live(run_id, generation)
                due.popleft()
            except Crashed:
                self._worker += 1  # and the next one adopts the run

    def _live(self, run_id: str, generation: int) -> None:
        script, subject = self.stage.script, self.stage.playing
        life = Life(
            self._books,
            self.stage.clock,
            run_id,
            generation,
            f"w{self._worker}",
            script.customer,
            script.subjects[subject],
            lambda subject, _: self.stage.content(subject),
            self._sabotage,
        )
        steps = life.steps()
        act = lambda: next(steps)  # noqa: E731 - what comes next is either a value or an exception
        while True:
            try:
                moment = act()
            except StopIteration:
                return
            try:
                value = self._moment(moment)
            except Exception as wrong:
                act = lambda wrong=wrong: steps.throw(wrong)  # noqa: E731 - see above
            else:
                act = lambda value=value: steps.send(value)  # noqa: E731 - see above

    def _moment(self, moment: Moment) -> Any:
        if isinstance(moment, Call):
            if moment.what == "find":
                return self.stage.find(moment.request)
            word, told = self.stage.send(moment.request)
            return word, told or (Later(self.stage.now, "lost") if word is Heard.LOST else None)
        trouble = self.stage.before_commit()
        value = moment.act()
        self.stage.after_commit(trouble)
        return value
