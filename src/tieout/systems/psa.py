"""The PSA in its role: projects are set up in it, and it hears what was billed and paid for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tieout.connectors.contract import Reading, Receipt, Sink, Source, Write
from tieout.domain.documents.customer import Customer
from tieout.domain.documents.project import Project
from tieout.domain.identity import Ref
from tieout.engine.journal import OnDone
from tieout.systems.fitting import Fitted
from tieout.systems.register import Register


class PsaConnection(Source, Sink, Protocol):
    """A connection that can play the role."""


class Psa:
    """One PSA, on behalf of one run."""

    def __init__(self, connection: PsaConnection, effects: Fitted, register: Register) -> None:
        self.name = connection.name
        self._connection = connection
        self._effects = effects
        self._register = register

    def link(self, ref: Ref) -> str:
        return self._connection.link(ref)

    async def read(self, record: Ref) -> Reading | None:
        """The document as the PSA has it now; None when it is gone."""
        return await self._connection.read(record)

    async def ensure_client(self, customer: Customer) -> str:
        """The client's record id; made when there is none."""
        known = await self._register.record_id("customer", customer.key, self.name)
        if known is not None:
            return known
        body = {"key": customer.key, "name": customer.name, "email": customer.email}
        teach = self._register.linking(self.name, lambda receipt: [("customer", customer.key, receipt.id)])
        made = await self._effects.perform(self._connection, Write("client.create", customer.key, "1", body), teach)
        return made.id

    async def ensure_project(self, project: Project, *, client: str) -> str:
        """The project's record id, with its tasks as its first package has them; made when there is none."""
        known = await self._register.record_id("project", project.key, self.name)
        if known is not None:
            return known
        body = {**project.body(), "template": project.package}
        body["tasks"] = [each.model_dump(mode="json") for each in project.of_template]
        made = await self._effects.perform(
            self._connection,
            Write("project.create", project.key, "1", body, {"client": client}),
            self._register.linking(self.name, lambda receipt: _links(project, receipt)),
        )
        return made.id

    async def add_tasks(self, project: Project, record: str) -> None:
        """What the template of the first package does not have: the roles and tasks of further ones, and of change orders."""
        lacking = [each for each in project.tasks if not await self._register.record_id("task", each.key, self.name)]
        roles = {each.role for each in project.tasks if each not in lacking}
        for task in lacking:
            if task.role not in roles:
                roles.add(task.role)
                role = Write(
                    "resource.create", f"{project.key}/{task.role}", "1", {"name": task.role}, {"project": record}
                )
                await self._effects.perform(self._connection, role)
            await self._effects.perform(
                self._connection,
                Write(
                    "task.create", task.key, "1", {"name": task.name, "billable": task.billable}, {"project": record}
                ),
                self._linking_task(task.key),
            )

    def _linking_task(self, key: str) -> OnDone:
        return self._register.linking(self.name, lambda receipt: [("task", key, receipt.id)])

    async def plan_tasks(self, project: Project) -> None:
        """Hours, role and rate of each task, as the contract has them."""
        records = await self._register.record_ids("task", [each.key for each in project.tasks], self.name)
        for task, record in zip(project.tasks, records, strict=True):
            body = {
                "name": task.name,
                "role": task.role,
                "hours": str(task.hours),
                "rate": str(task.rate),
                "currency": project.currency,
                "billable": task.billable,
                **({} if task.open else {"open": False}),
            }
            await self._effects.keep(self._connection, "task.plan", task.key, body, {"record": record or ""})

    async def set_state(self, project: Project, record: str) -> None:
        """What may be planned otherwise than it was set up is told of its budget and its dates as well."""
        body: dict[str, Any] = {"state": project.state, "po_number": project.po_number}
        if project.was_replanned:
            body |= {name: value for name, value in project.body().items() if name in ("budget", "start", "end")}
            body["signed"] = not project.at_risk
        await self._effects.keep(self._connection, "project.update", project.key, body, {"record": record})

    async def report(self, project: str, record: str, about: str, facts: Mapping[str, Any]) -> None:
        await self._effects.keep(self._connection, "project.report", f"{project}/{about}", facts, {"record": record})


def _links(project: Project, receipt: Receipt) -> list[tuple[str, str, str]]:
    tasks = [("task", key, record) for key, record in receipt.parts.items()]
    return [("project", project.key, receipt.id), *tasks]
