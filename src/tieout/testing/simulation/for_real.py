"""Plays a script in the real engine: its own intake, executor and effects, on a real Postgres, against the model target."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from tieout.connectors.contract import (
    AlreadyThere,
    Change,
    Guarantee,
    Health,
    Operation,
    OutcomeUnknown,
    Page,
    Reading,
    Receipt,
    Write,
)
from tieout.domain.identity import Ref
from tieout.engine.effects import Effects
from tieout.engine.execution import Executor
from tieout.engine.intake import Feed, Intake
from tieout.engine.run import Run, flow
from tieout.engine.settling import Heard
from tieout.store import firm, messages, runs
from tieout.store.database import Database, Tx, row, rows
from tieout.testing.crash import Crashed
from tieout.testing.simulation.life import CUSTOMER
from tieout.testing.simulation.script import Script, Stage, Step, ending
from tieout.testing.simulation.target import CREATE, REPORT, Request

SYSTEM = "model"
_OPERATIONS = {**{each.name: each for each in CREATE.values()}, REPORT.name: REPORT}


class Troubled(Database):
    """A database whose user may die at any commit, as the script says."""

    stage: Stage

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx, None]:
        async with super().transaction() as tx:
            yield tx
            trouble = self.stage.before_commit()
        self.stage.after_commit(trouble)

    single = transaction


class Model:
    """The target and the source as connectors. Subjects carry the seed, so that many scripts share a database."""

    name = SYSTEM

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._page: list[Change] = []

    async def check(self) -> Health:
        return Health(ok=True, detail="a model")

    async def describe(self) -> Mapping[str, Sequence[str]]:
        return {}

    def link(self, ref: Ref) -> str:
        return ""

    async def close(self) -> None:
        """Nothing is open."""

    # -- source

    def bring(self, subject: int, version: int) -> None:
        ref = Ref(SYSTEM, "record", self.subject(f"S{subject}"))
        self._page = [Change(ref, f"{version:04}#{version}", record={"version": version})]

    async def changes(self, kind: str, since: str | None) -> Page:
        return Page(self._page, "", more=False)

    async def look(self, ref: Ref) -> Change | None:
        return None

    async def read(self, ref: Ref) -> Reading | None:
        return None

    # -- sink

    def operation(self, name: str) -> Operation:
        return _OPERATIONS[name]

    async def prepare(self, write: Write) -> bytes:
        guarantee = self.operation(write.operation).guarantee.value
        request = Request(write.operation, Guarantee(guarantee), write.subject, write.version, write.body["content"])
        return json.dumps({**asdict(request), "guarantee": guarantee}).encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        bare: dict[str, Any] = json.loads(request)
        bare |= {"guarantee": Guarantee(bare["guarantee"]), "subject": self.bare(bare["subject"])}
        word, told = self._stage.send(Request(**bare))
        if told is not None:
            raise told
        match word:
            case Heard.LOST:
                raise OutcomeUnknown("lost")
            case Heard.TAKEN:
                raise AlreadyThere("taken")
            case _:
                return Receipt("made")

    async def find(self, write: Write) -> Receipt | None:
        guarantee = self.operation(write.operation).guarantee
        found = self._stage.find(Request(write.operation, guarantee, self.bare(write.subject), write.version, 0))
        return Receipt("made") if found else None

    def subject(self, bare: str) -> str:
        return f"{self._stage.script.seed}-{bare}"

    def bare(self, subject: str) -> str:
        return subject.partition("-")[2]


@flow(
    version=1,
    title="Creates the customer and the subject, and reports what its record says",
    starts_on=("model", "record"),
)
async def model_flow(run: Run, systems: tuple[Effects, Model, Stage]) -> None:
    effects, model, stage = systems
    subject = model.bare(run.messages[0].ref.id)
    content = stage.content(int(subject[1:]))
    guarantee = stage.script.subjects[int(subject[1:])]
    for each, name in ((stage.script.customer, CUSTOMER), (guarantee, subject)):
        await effects.perform(model, Write(CREATE[each].name, model.subject(name), "1", {"content": 0}))
    await effects.keep(model, REPORT.name, model.subject(subject), {"content": content}, {})


class ForReal:
    """One play of a script on a database that other plays may have used."""

    def __init__(
        self, script: Script, database: Database, troubled: Troubled, sabotage: frozenset[str] = frozenset()
    ) -> None:
        self.stage = Stage(script)
        self._database, self._troubled, self._sabotage = database, troubled, sabotage
        troubled.stage = self.stage
        self._model = Model(self.stage)
        self._intake = Intake(database, self.stage.clock, [Feed(self._model, "record", model_flow)])
        self._worker = 1

    async def play(self) -> dict[str, Any]:
        """How it ended; `stage.history` tells how it went."""
        for step in self.stage.script.steps:
            await self._step(step)
        mine = f"{self.stage.script.seed}-%"
        async with self._database.transaction() as tx:
            effects = await rows(tx, "select * from effect where subject like %s", (mine,))
            found = await rows(tx, "select * from run where subject like %s", (f"{SYSTEM}/record/{mine}",))
            came = await rows(tx, "select * from message where record_id like %s", (mine,))
        return ending(
            self.stage,
            [
                (each["operation"], self._model.bare(each["subject"]), each["version"][:6], each["state"], each["attempts"],
                 each["sent_at"], each["look_again_at"] or "")
                for each in effects
            ],
            [
                (self._number(each["subject"]), _version(each), each["state"], each["generation"], each["attempts"])
                for each in found
            ],
            [(self._number(each["record_id"]), _version(each), each["state"]) for each in came],
        )  # fmt: skip

    def _number(self, subject: str) -> int:
        return int(subject.rpartition("-S")[2])

    async def _step(self, step: Step) -> None:
        match step.what:
            case "arrive":
                self.stage.arrive(step.subject, step.number)
                self._model.bring(step.subject, step.number)
                await self._intake.sweep(self._intake.feeds[0])
            case "forward":
                self.stage.forward(step.number)
            case "deliver":
                self.stage.deliver()
            case "people":
                await self._people()
            case _:
                await self._work()

    async def _people(self) -> None:
        async with self._database.transaction() as tx:
            for run in await self._mine(tx, ("held",)):
                subject = run["subject"].rpartition("/")[2]
                doubt = await row(
                    tx,
                    "select 1 as one from effect where subject = %s and guarantee = 'E' and state in ('sent', 'unknown')",
                    (subject,),
                )
                if doubt is not None:
                    await runs.end(tx, run["id"], "ignored", "a person looked", self.stage.now)
                    await messages.give_up(tx, run["id"], "a person looked", self.stage.now)
                else:
                    await runs.release(tx, run["id"], self.stage.now, False)
                    await messages.release(tx, [run["id"]])

    async def _work(self) -> None:
        async with self._database.transaction() as tx:
            found = [
                each for each in await self._mine(tx, ("queued", "retrying")) if each["not_before"] <= self.stage.now
            ]
        found.sort(key=lambda each: (each["not_before"], each["sequence"]))
        due = deque((each["id"], each["generation"], self._number(each["subject"])) for each in found)
        while due:
            run_id, generation, self.stage.playing = due[0]
            try:
                await self._executor().execute(run_id, generation)
                due.popleft()
            except Crashed:
                self._worker += 1  # and the next one adopts the run

    def _executor(self) -> Executor:
        def systems(effects: Effects, database: Database, configuration: Any) -> tuple[Effects, Model, Stage]:
            return effects, self._model, self.stage

        nobody: Any = None  # a model has no firm folder
        return Executor(
            self._troubled, self.stage.clock, self._today, [model_flow], systems, lambda: nobody, f"w{self._worker}",
            self._sabotage,
        )  # fmt: skip

    def _today(self) -> date:
        return self.stage.now.date()

    async def _mine(self, tx: Tx, states: tuple[str, ...]) -> list[dict[str, Any]]:
        return await rows(
            tx,
            "select * from run where subject like %s and state = any(%s) order by sequence",
            (f"{SYSTEM}/record/{self.stage.script.seed}-%", list(states)),
        )


async def known(database: Database, now: datetime) -> None:
    """The hub's books know the model as a connection."""
    async with database.transaction() as tx:
        connection = (SYSTEM, SYSTEM, "crm", None)
        await firm.apply(tx, content={}, entities=(), connections=[connection], actor="model", now=now)


def _version(stored: Mapping[str, Any]) -> int:
    return int(stored["version"].partition("#")[0])
