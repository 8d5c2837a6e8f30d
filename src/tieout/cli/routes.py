"""`holds routes`: whose each hold is by the firm's rules, and what other rules would have done before they count."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.exits import Exit, Stop
from tieout.cli.refusals import located
from tieout.cli.speech import AsJson, document, line, table

if TYPE_CHECKING:
    from tieout.domain.routing import HoldRules, Trial
    from tieout.store.database import Tx

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def routes(
    wanted: Annotated[
        Path | None,
        typer.Option("--try", metavar="FOLDER", help="Try the rules of this firm folder; nothing is changed."),
    ] = None,
    days: Annotated[int, typer.Option(help="Over the holds of how many days.", min=1, max=3650)] = 90,
    as_json: AsJson = False,
) -> None:
    """Show the rules that route holds to teams, in force or of a folder, and what they do to the holds of the last days."""
    from tieout.cli.desk import looked_up, now
    from tieout.store import routing

    of_folder = _rules_of(wanted) if wanted is not None else None

    async def read(tx: Tx) -> tuple[HoldRules, Trial]:
        rules = of_folder or await routing.rules_in_force(tx)
        return rules, await routing.trial(tx, rules, now=now(), days=days)

    rules, tried = looked_up(read)
    if as_json:
        document({"tried": of_folder is not None, "rules": rules.model_dump(mode="json"), **_shown(tried, days)})
        return
    _tell(rules)
    would = "would route" if of_folder is not None else "route"
    line(f"These rules {would} {tried.share} % of the {tried.holds} holds of the last {days} days.")
    line(
        f"Differently from where they are now: {tried.differently}. Given to somebody by hand, and staying there: {tried.by_hand}."
    )
    for team, count in sorted(tried.teams.items(), key=lambda each: (-each[1], each[0])):
        line(f"  {count:>6}  {team}")
    for code, count in sorted(tried.unrouted.items(), key=lambda each: (-each[1], each[0])):
        line(f"  {count:>6}  no team: {code}")


def _rules_of(folder: Path) -> HoldRules:
    from tieout.folder.finding import UnusableFolder
    from tieout.folder.loading import load

    try:
        return load(folder).holds
    except UnusableFolder as unusable:
        raise Stop(Exit.CONFIGURATION, *map(located, unusable.findings)) from unusable


def _tell(rules: HoldRules) -> None:
    if not rules.rules:
        line("There are no rules: write some under holds: rules in tieout.yaml (docs/firm-folder.md).")
        return
    table(
        ("rule", "problem", "field", "entity", "region", "above", "team", "assignee"),
        [
            (
                each.name or f"rule {number}",
                each.problem or "any",
                each.field or "any",
                each.entity or "any",
                each.region or "any",
                ", ".join(f"{amount} {currency}" for currency, amount in each.amount_above.items()) or "any",
                each.team,
                each.assignee,
            )
            for number, each in enumerate(rules.rules, 1)
        ],
    )


def _shown(tried: Trial, days: int) -> dict[str, Any]:
    return {
        "days": days,
        "holds": tried.holds,
        "routed": tried.routed,
        "share": tried.share,
        "differently": tried.differently,
        "by_hand": tried.by_hand,
        "teams": dict(tried.teams),
        "unrouted": dict(tried.unrouted),
    }
