"""Which project a sale is worked in: that of its deal, or one of its own, whose key every quote gives again (T04)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tieout.domain.documents.package import ServicePackage
from tieout.domain.documents.project import Project, ProjectTask
from tieout.domain.documents.terms import Sold
from tieout.domain.identity import spelled

# So many numbers are said where a system has one field for them all.
_SAID = 3


def own_project(package: ServicePackage, sold: str) -> str:
    """The key of the project that a sale has of its own, by the engagement's key and the sale's name; empty without one."""
    return f"PRJ-{spelled(sold)}" if package.project == "sale" else ""


def by_project(sold: Iterable[Sold], deal: str) -> dict[str, list[Sold]]:
    """The sales of each project, in the order of the contract; `deal` is the key of the deal's own."""
    found: dict[str, list[Sold]] = {}
    for each in sold:
        found.setdefault(each.project or deal, []).append(each)
    return found


def tasks_of(projects: Sequence[Project]) -> tuple[ProjectTask, ...]:
    """Of all projects of an engagement."""
    return tuple(task for each in projects for task in each.tasks)


def title(projects: Sequence[Project], deal: str) -> str:
    """What to call the work of an engagement: its project, or where it has several the deal."""
    return projects[0].name if len(projects) == 1 else deal


def said(numbers: Sequence[str]) -> str:
    """Several numbers in one short field: the first ones, and how many there are beside."""
    more = [f"and {len(numbers) - _SAID} more"] if len(numbers) > _SAID else []
    return ", ".join(numbers[:_SAID]) + "".join(f" {each}" for each in more)
