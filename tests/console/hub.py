"""The hub's part beside a console under test: plans are made, checked and worked off, on a target that keeps what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from tests.console import seed
from tests.console.world import World

from tieout.connectors.contract import Operation, Receipt, Write
from tieout.connectors.kantata.connector import OPERATIONS
from tieout.domain.identity import Ref
from tieout.domain.money import Money
from tieout.engine.effects import Effects
from tieout.engine.execution import Executor
from tieout.engine.planner import Planner
from tieout.engine.rehearsal import Rehearser
from tieout.engine.run import Run, flow
from tieout.testing.hand import work_off


@dataclass
class Target:
    """A PSA that takes everything; `sent` is every request that reached it."""

    name: str = "kantata"
    sent: list[str] = field(default_factory=list[str])

    def operation(self, name: str) -> Operation:
        return OPERATIONS[name]

    async def prepare(self, write: Write) -> bytes:
        return f"{write.operation} {write.subject}".encode()

    async def send(self, operation: str, request: bytes) -> Receipt:
        self.sent.append(request.decode())
        return Receipt(request.decode())

    async def find(self, write: Write) -> Receipt | None:
        return Receipt(write.subject) if f"{write.operation} {write.subject}" in self.sent else None


@dataclass
class Systems:
    effects: Effects
    target: Any
    department: str


@flow(version=1, title="Opportunity to project")
async def opportunity_to_project(run: Run, systems: Systems) -> None:
    subject = Ref.parse(run.subject).id
    await run.about(title=f"Deal {subject[-4:]}", entity="US", amount=Money(Decimal("1200.00"), "USD"))
    body = {"department": systems.department}
    await run.step("set it up", systems.effects.perform, systems.target, Write("project.create", subject, "1", body))
    await run.step("open it", systems.effects.perform, systems.target, Write("project.update", subject, "1", body))


@dataclass
class Hub:
    """Planner and executor of one flow, worked by hand."""

    world: World
    target: Target = field(default_factory=Target)
    department: str = "440"

    @property
    def database(self) -> Any:
        return self.world.database

    @property
    def rounds(self) -> Any:
        return None

    def clock(self) -> Any:
        return seed.NOW

    def _systems(self, effects: Effects, database: Any, configuration: Any) -> Systems:
        return Systems(effects, self.target, self.department)

    @property
    def executor(self) -> Executor:
        flows = [opportunity_to_project]
        return Executor(
            self.database, self.clock, lambda: date(2026, 11, 16), flows, self._systems, lambda: seed.KESTREL, "w"
        )

    async def plan(self) -> None:
        """Makes what is asked for, checks what is confirmed, writes down what has come to its end."""
        rehearser = Rehearser(
            self.database, self.clock, lambda: date(2026, 11, 16), [opportunity_to_project], self._systems
        )
        await Planner(self.database, self.clock, lambda: seed.KESTREL, rehearser).work()

    async def work(self) -> None:
        await work_off(self)
