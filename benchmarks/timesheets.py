"""Projects that time is booked on, and as many approved entries as a benchmark wants, straight into intake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tieout.connectors.contract import Change, Health, Ledger, Page, Reading, Write
from tieout.domain.documents.customer import Customer
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.identity import Ref, content_hash
from tieout.domain.money import Money
from tieout.domain.rating import entry_amount
from tieout.store import crosswalk, documents, projects
from tieout.store.database import Database

from .ground import now

PSA = "kantata"
_CARD = "US 2026"
# Role → rate of the card's first version, which holds for every day that is worked here.
_RATES = {"Principal": "340.00", "Senior Consultant": "245.00", "Data Engineer": "210.00", "Consultant": "175.00"}
_FIRST_DAY, _DAYS = date(2026, 9, 1), 40
_APPROVED = datetime(2026, 10, 12, 8, tzinfo=UTC)


class Entries:
    """The source: `count` approved entries in pages, each state told once. It implements the contract of a source."""

    def __init__(self, count: int, tasks: Sequence[tuple[str, str, str]], people: Sequence[str], page: int) -> None:
        """`tasks` are (workspace, story, role)."""
        self.name = PSA
        self._count = count
        self._tasks = tasks
        self._people = people
        self._page = page

    async def changes(self, kind: str, since: str | None) -> Page:
        first = int(since or 0)
        last = min(first + self._page, self._count)
        return Page([self.change(number) for number in range(first, last)], str(last), more=last < self._count)

    def change(self, number: int) -> Change:
        workspace, story, role = self._tasks[number % len(self._tasks)]
        minutes = 15 * (1 + number % 32)
        record: dict[str, Any] = {
            "source_id": str(number + 1), "project": workspace, "task": story,
            "person": self._people[number // 7 % len(self._people)], "person_name": "Somebody",
            "work_date": str(_FIRST_DAY + timedelta(days=number % _DAYS)), "minutes": minutes,
            "billable_minutes": minutes, "rate": _RATES[role], "currency": "USD", "state": "approved",
            "approved_by": "K002", "approved_at": _APPROVED.isoformat(), "notes": f"workshop {number}",
        }  # fmt: skip
        version = f"2026-10-12T08:00:00Z#{content_hash(record)[:16]}"
        worth = entry_amount(minutes, Money(Decimal(record["rate"]), "USD"))
        told = {**record, "source_version": version, "mapping": "kantata.time_entry@1"}
        return Change(Ref(PSA, "time_entry", record["source_id"]), version, told, worth)

    async def look(self, ref: Ref) -> Change | None:
        return self.change(int(ref.id) - 1)

    async def read(self, ref: Ref) -> Reading | None:
        return None

    async def check(self) -> Health:
        return Health(ok=True, detail=f"{self._count} entries")

    async def describe(self) -> Mapping[str, Sequence[str]]:
        return {}

    def link(self, ref: Ref) -> str:
        return ""

    async def close(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Booked:
    """A project in the hub's books and in the ERP."""

    project: Project
    works: Mapping[str, str]
    workspace: str


async def book(database: Database, ledger: Ledger, entity: str, count: int) -> list[Booked]:
    """Sets projects of four tasks up in the ERP and in the hub's books, as a kickoff leaves them."""
    return [await _book(database, ledger, entity, number) for number in range(1, count + 1)]


async def _book(database: Database, ledger: Ledger, entity: str, number: int) -> Booked:
    customer = Customer(key=f"CUS-BENCH{number:03}", name=f"Benchmark {number}", source_id=f"001{number}")
    party = await _made(ledger, Write("customer.create", customer.key, "1", customer.body()))
    project = _project(customer, entity, number)
    ids = {"customer": party.id}
    made = await _made(ledger, Write("project.create", project.key, "1", project.body(), ids))
    booked = Booked(project, made.parts, str(90000 + number))
    async with database.transaction() as tx:
        deal = Engagement(
            key=project.engagement, name=project.name, stage="won", customer=customer, legal_entity=entity, currency="USD",
            amount=Decimal(98000), payment_terms="Net 30", source_id=f"006{number}",
        )  # fmt: skip
        for document in (customer, deal, project):
            await documents.save(tx, document, entity=entity, engagement=deal.key, trail={}, now=now())
        await projects.save(tx, project)
        links = [
            ("project", project.key, ledger.name, made.id),
            ("project", project.key, PSA, booked.workspace),
            *(("task", key, ledger.name, work) for key, work in made.parts.items()),
            *(("task", each.key, PSA, story_of(booked, i)) for i, each in enumerate(project.tasks)),
        ]
        for kind, key, connection, record in links:
            await crosswalk.link(tx, kind, key, connection, record, now())
    return booked


async def _made(ledger: Ledger, write: Write) -> Any:
    return await ledger.send(write.operation, await ledger.prepare(write))


def _project(customer: Customer, entity: str, number: int) -> Project:
    key = f"PRJ-BENCH{number:03}"
    tasks = tuple(
        ProjectTask(key=f"{key}/{i:02}", name=role, role=role, hours=Decimal(100), rate=Decimal(rate))
        for i, (role, rate) in enumerate(_RATES.items(), 1)
    )
    return Project(
        key=key, engagement=f"ENG-BENCH{number:03}", name=f"Benchmark {number}", customer=customer.key, legal_entity=entity,
        currency="USD", department="410", contract_version=1, budget=Decimal(98000), rate_card=_CARD, tasks=tasks,
    )  # fmt: skip


def story_of(booked: Booked, position: int) -> str:
    """The PSA's id of a task."""
    return f"{booked.workspace}{position}"


def tasks_of(everything: Sequence[Booked]) -> list[tuple[str, str, str]]:
    """(workspace, story, role) of every task."""
    return [
        (each.workspace, story_of(each, i), task.role)
        for each in everything
        for i, task in enumerate(each.project.tasks)
    ]
