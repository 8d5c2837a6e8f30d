"""What the command line tells of one hold: the six answers, and how it stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tieout.cli.amounts import of_minor, written
from tieout.domain.problems import Explained, Problem, explain


def shown(hold: dict[str, Any]) -> dict[str, Any]:
    told = explained(hold)
    currency = hold["currency"]
    return {
        "hold": f"H-{hold['id']}",
        "title": hold["title"],
        "state": hold["state"],
        "code": hold["code"],
        "what": told.what,
        "why": told.why,
        "fix": told.fix,
        "where": told.where,
        "owner": hold["owner"],
        "team": hold["team"],
        "assignee": hold["assignee"],
        "assigned_by": hold["assigned_by"],
        "escalated_to": hold["escalated_to"],
        "reopened": hold["reopened"],
        "entity": hold["entity"],
        "engagement": hold["engagement"],
        "amount": written(of_minor(hold["amount_minor"], currency), currency),
        "currency": currency,
        "quote": hold["quote"],
        "run": hold["run_id"],
        "opened_at": hold["opened_at"],
        "due_at": hold["due_at"],
        "resolved_at": hold["resolved_at"],
        "resolved_by": hold["resolved_by"],
        "resolution": hold["resolution"],
    }


def explained(hold: dict[str, Any]) -> Explained:
    """The six answers; for a code that today's catalogue does not have any more, what the hold itself says."""
    try:
        return explain(Problem(hold["code"], hold["facts"], hold["quote"]))
    except (KeyError, ValueError):
        return Explained(hold["title"], "", hold["owner"], "", "", timedelta(0))
