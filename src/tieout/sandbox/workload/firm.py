"""The simulated firm's projects and people, each by its number: nothing is kept, so any number of them takes no memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tieout.domain.documents.package import RateCard
from tieout.folder.loading import load
from tieout.sandbox.workload.shape import Shape

_FOLDER = Path(__file__).parents[1] / "firm" / "kestrel"
_ROLES = ("Principal", "Senior Consultant", "Consultant", "Data Engineer")


@dataclass(frozen=True, slots=True)
class SimulatedTask:
    """`id` is the PSA's."""

    id: str
    key: str
    role: str


@dataclass(frozen=True, slots=True)
class SimulatedProject:
    """A project with the engagement that sold it; `workspace` is the PSA's id."""

    key: str
    engagement: str
    customer: str
    name: str
    entity: str
    workspace: str
    card: RateCard
    tasks: tuple[SimulatedTask, ...]


class SimulatedFirm:
    """Kestrel's legal entities and rate cards, with as many people and projects as the shape says."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.cards: Mapping[str, RateCard] = {each.entity: each for each in load(_FOLDER).rate_cards}

    def entity(self, number: int) -> str:
        """Whose a person or a project is, by its number."""
        return "US" if number % 5 < 3 else "DE"

    def person(self, number: int) -> str:
        return f"K{number + 1:06}"

    def people(self) -> Iterator[dict[str, str]]:
        for number in range(self.shape.consultants):
            yield {
                "person": self.person(number),
                "entity": self.entity(number),
                "role": _ROLES[number // 5 % len(_ROLES)],
            }

    def project(self, number: int) -> SimulatedProject:
        key, workspace = f"PRJ-SIM{number + 1:06}", str(1_000_000 + number)
        tasks = tuple(
            SimulatedTask(f"{workspace}{place}", f"{key}/{place:02}", role) for place, role in enumerate(_ROLES, 1)
        )
        return SimulatedProject(
            key, f"ENG-SIM{number + 1:06}", f"CUS-SIM{number // 3 + 1:06}", f"Engagement {number + 1}",
            self.entity(number), workspace, self.cards[self.entity(number)], tasks,
        )  # fmt: skip

    def projects(self) -> Iterator[SimulatedProject]:
        return (self.project(number) for number in range(self.shape.projects))
