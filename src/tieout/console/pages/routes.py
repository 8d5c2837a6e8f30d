"""Whose holds are: the rules in force, what they do to past holds, and other rules tried before anybody writes them down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from tieout.console.visit import Visit
from tieout.domain.routing import HoldRules, RoutingRule, Trial
from tieout.folder.finding import UnusableFolder
from tieout.folder.hold_rules import hold_rules
from tieout.store import routing

_DAYS = 90


@dataclass(frozen=True, slots=True)
class Line:
    """One rule: what it asks for, in words, and whose such holds are."""

    name: str
    asks: str
    team: str
    assignee: str


@dataclass(frozen=True, slots=True)
class TeamLine:
    name: str
    members: tuple[str, ...]
    lead: str
    escalates_to: str


@dataclass(frozen=True, slots=True)
class Counted:
    """A trial, with its counts in the order of their size."""

    holds: int
    routed: int
    share: int
    differently: int
    by_hand: int
    teams: tuple[tuple[str, int], ...]
    unrouted: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Routes:
    """The page's own variables. `text` are the rules that somebody tries, `mistakes` what is wrong with them."""

    template: ClassVar[str] = "routes.html"

    rules: tuple[Line, ...]
    teams: tuple[TeamLine, ...]
    now: Counted
    days: int
    text: str
    tried: Counted | None
    mistakes: tuple[str, ...]


async def show(visit: Visit) -> Response:
    return await visit.page(await _routes(visit, "", None, ()))


async def attempt(visit: Visit) -> Response:
    """Tries rules on past holds; nothing is stored."""
    text = (await visit.form()).get("rules", "")[:100_000]
    try:
        rules = hold_rules(text, visit.setting.firm())
    except UnusableFolder as unusable:
        return await visit.page(await _routes(visit, text, None, tuple(map(str, unusable.findings))), status=422)
    return await visit.page(await _routes(visit, text, rules, ()))


async def _routes(visit: Visit, text: str, wanted: HoldRules | None, mistakes: tuple[str, ...]) -> Routes:
    async with visit.setting.database.transaction() as tx:
        rules = await routing.rules_in_force(tx)
        now = await routing.trial(tx, rules, now=visit.now, days=_DAYS)
        tried = await routing.trial(tx, wanted, now=visit.now, days=_DAYS) if wanted else None
    return Routes(
        rules=tuple(_line(number, each) for number, each in enumerate(rules.rules, 1)),
        teams=tuple(
            TeamLine(name, each.members, each.lead, each.escalates_to or "") for name, each in rules.teams.items()
        ),
        now=_counted(now),
        days=_DAYS,
        text=text,
        tried=_counted(tried) if tried else None,
        mistakes=mistakes,
    )


def _line(number: int, rule: RoutingRule) -> Line:
    asks = [f"problem {rule.problem}"] if rule.problem else []
    asks += [f"field {rule.field}"] if rule.field else []
    asks += [f"entity {rule.entity}"] if rule.entity else []
    asks += [f"region {rule.region}"] if rule.region else []
    asks += [f"above {amount} {currency}" for currency, amount in rule.amount_above.items()]
    return Line(rule.name or f"rule {number}", ", ".join(asks) or "every hold", rule.team, rule.assignee)


def _counted(trial: Trial) -> Counted:
    def by_size(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
        return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))

    return Counted(
        trial.holds, trial.routed, trial.share, trial.differently, trial.by_hand, by_size(dict(trial.teams)),
        by_size(dict(trial.unrouted)),
    )  # fmt: skip
