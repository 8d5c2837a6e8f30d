"""Work before the signature: who must accept the risk, how long it may go on, and what the contract must still fit (T06)."""

from __future__ import annotations

from datetime import date, timedelta

from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.project import Project
from tieout.domain.firm import EarlyStartRule
from tieout.domain.planning import work_of
from tieout.domain.problems import Problem
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


def unlike(project: Project, deal: Engagement, enriched: Enriched, *, link: str) -> list[Problem]:
    """Where what was signed is another project than the one that people have been working on."""
    compared = {
        "the service package": (project.package, enriched.package.key),
        "the legal entity": (project.legal_entity, enriched.entity),
        "the currency": (project.currency, deal.currency),
        "the list of tasks": tuple(
            ", ".join(each.name for each in tasks)
            for tasks in (project.tasks, [task for _, work in work_of(deal, enriched) for task in work])
        ),
    }
    return [
        Problem(
            "early_start.differs",
            {"deal": deal.name, "label": label, "before": before, "now": now, "project": project.key, "link": link},
        )
        for label, (before, now) in compared.items()
        if before != now
    ]
