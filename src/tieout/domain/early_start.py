"""Work before the signature: who must accept the risk, how long it may go on, and what the contract must still fit (T06)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project
from tieout.domain.firm import EarlyStartRule
from tieout.domain.planning import work_of
from tieout.domain.problems import Problem
from tieout.domain.projects import own_project
from tieout.domain.readiness import Enriched, value_of


def may_go_on(rule: EarlyStartRule | None, deal: Engagement | None) -> bool:
    """Whether the deal stands where the firm lets work begin. A deal that was won needs no leave, and one that is gone has none."""
    return rule is not None and deal is not None and deal.stage == "open" and rule.allows(deal.stage_name)


def last_day(rule: EarlyStartRule, start: date) -> date:
    """The last day on which work may go on unsigned, when it began on `start`."""
    return start + timedelta(days=rule.days)


def is_over(project: Project, today: date) -> bool:
    return project.tentative_until is not None and today > project.tentative_until


def terms_of_risk(deal: Engagement, rule: EarlyStartRule) -> list[str]:
    """What somebody accepts, in words, because these exact words are what is approved."""
    days = "1 day" if rule.days == 1 else f"{rule.days} days"
    return [f"Work on {value_of(deal)} begins before the contract is signed and may go on for {days}, unbilled"]


def unlike(projects: Sequence[Project], deal: Engagement, enriched: Enriched, *, link: str) -> list[Problem]:
    """Where what was signed are other projects than those that people have been working on."""
    project = projects[0]
    now: dict[str, tuple[str, list[str]]] = {}
    for instance, work in work_of(deal, enriched):
        package = enriched.package_of(instance)
        sold = instance.id if own_project(package, instance.id) else ""
        _, tasks = now.setdefault(sold, (package.key, []))
        tasks += [each.name for each in work]
    before = {each.sold: (each.package, [task.name for task in each.tasks]) for each in projects}
    said = [[each[sold] for sold in sorted(each)] for each in (before, now)]
    compared = {
        "the list of projects": tuple(
            ", ".join(each or "the deal's" for each in sorted(some)) for some in (before, now)
        ),
        "the service package": tuple(", ".join(package for package, _ in some) for some in said),
        "the legal entity": (project.legal_entity, enriched.entity),
        "the currency": (project.currency, deal.currency),
        "the list of tasks": tuple("; ".join(", ".join(tasks) for _, tasks in some) for some in said),
    }
    return [
        Problem(
            "early_start.differs",
            {"deal": deal.name, "label": label, "before": before, "now": now, "project": project.key, "link": link},
        )
        for label, (before, now) in compared.items()
        if before != now
    ]
