"""Whose a hold is: the firm's rules, the first that fits wins, and who hears of it next when nobody acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from tieout.domain.documents.document import Part
from tieout.domain.money import Money

TeamName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Team(Part):
    """People who take care of holds together."""

    members: tuple[str, ...] = Field(default=(), description="The people of the team, each by e-mail address")
    lead: str = Field(default="", description="Who hears first of a hold that is overdue: an e-mail address")
    escalates_to: str | None = Field(
        default=None, description="The team whose lead hears of it next; left out where the escalation ends"
    )

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody in it, by address in small letters, each once."""
        return tuple(dict.fromkeys(each.lower() for each in (*self.members, self.lead) if each))


class Region(Part):
    """A part of the world, for rules: the customer's country decides, without one the legal entity."""

    countries: tuple[str, ...] = Field(
        default=(), description="Countries of customers as the CRM writes them, such as DE"
    )
    entities: tuple[str, ...] = Field(default=(), description="Legal entities, for holds whose customer is not known")


class RoutingRule(Part):
    """One line of the routing: what it says nothing about fits everything."""

    name: str = Field(default="", description="What the console calls the rule, such as FMD-EMEA")
    problem: str | None = Field(
        default=None, description="A problem's code, such as value.missing, or a group of them, such as deal.*"
    )
    field: str | None = Field(
        default=None, description="The field that is wrong, or the value table that lacks a value, such as practice"
    )
    entity: str | None = Field(default=None, description="The legal entity's code")
    region: str | None = Field(default=None, description="A region's name")
    amount_above: dict[Currency, Decimal] = Field(
        default_factory=dict[str, Decimal],
        description="Currency → amount: only holds worth more. A currency left out does not fit",
    )
    team: str = Field(description="The team that owns such holds")
    assignee: str = Field(default="", description="The member who gets them; left out when the team decides")


class HoldRules(Part):
    """What the firm decided about holds."""

    reopen_within_days: int = Field(
        default=30, ge=0, le=365, description="A cause that comes back within so many days opens its old hold again"
    )
    snooze_days_most: int = Field(default=90, ge=1, le=365, description="The longest time that a hold may sleep")
    escalate_every_hours: int = Field(
        default=24, ge=1, le=720, description="Hours from one step of the escalation of an overdue hold to the next"
    )
    working_days: bool = Field(
        default=False,
        description="Whether deadlines of holds, and the hours between steps, pass on working days alone (calendars/)",
    )
    overrides_four_eyes: Literal["never", "money", "always"] = Field(
        default="never",
        description="Which overrides of a field wait for a second person: none, those of money, or all of them",
    )
    plan_above: int = Field(
        default=10, ge=0, le=1000,
        description="A row of a value table that lets more documents than this go on makes a replay plan, and they go on"
        " when somebody confirms it",
    )  # fmt: skip
    teams: dict[TeamName, Team] = Field(default_factory=dict[str, Team], description="Name → the people who own holds")
    regions: dict[str, Region] = Field(default_factory=dict[str, Region], description="Name → countries, for the rules")
    rules: tuple[RoutingRule, ...] = Field(default=(), description="In order: the first rule that fits gives the team")

    def people(self, who: str) -> tuple[str, ...]:
        """A team's people, or the one whose address it is."""
        return self.teams[who].people if who in self.teams else (who.lower(),)

    def teams_of(self, person: str) -> tuple[str, ...]:
        """The teams that somebody is a member or the lead of."""
        who = person.casefold()
        return tuple(
            name for name, each in self.teams.items() if who in {one.casefold() for one in (*each.members, each.lead)}
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the rules look at: one hold. `country` is the customer's, empty where it is not known."""

    code: str
    facts: Mapping[str, str]
    entity: str | None
    country: str
    amount: Money | None

    @property
    def field(self) -> str:
        return self.facts.get("field") or self.facts.get("table", "")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a hold goes, and by which rule; all empty when no rule fits."""

    team: str = ""
    assignee: str = ""
    rule: str = ""


def route(rules: HoldRules, hold: Waiting) -> Route:
    """The first rule that fits."""
    region = region_of(rules, hold)
    for number, rule in enumerate(rules.rules, 1):
        if _fits(rule, hold, region):
            return Route(rule.team, rule.assignee, rule.name or f"rule {number}")
    return Route()


def region_of(rules: HoldRules, hold: Waiting) -> str:
    """The region of the customer's country; of the legal entity where no region has that country."""
    country = hold.country.strip().casefold()
    by_country = (name for name, each in rules.regions.items() if country in {one.casefold() for one in each.countries})
    by_entity = (name for name, each in rules.regions.items() if hold.entity in each.entities)
    return next(by_country, None) or next(by_entity, "")


def _fits(rule: RoutingRule, hold: Waiting, region: str) -> bool:
    return (
        (rule.problem is None or _within(hold.code, rule.problem))
        and rule.field in (None, hold.field)
        and rule.entity in (None, hold.entity)
        and rule.region in (None, region)
        and (not rule.amount_above or _above(rule.amount_above, hold.amount))
    )


def _within(code: str, pattern: str) -> bool:
    """Whether a code, or a group of codes, is part of a pattern: deal.deleted and deal.* are of deal.*."""
    return code == pattern or (pattern.endswith(".*") and code.startswith(pattern[:-1]))


def _above(limits: Mapping[str, Decimal], amount: Money | None) -> bool:
    return amount is not None and amount.currency in limits and amount.amount > limits[amount.currency]


def covers(earlier: RoutingRule, later: RoutingRule) -> bool:
    """Whether everything that fits the later rule fits the earlier one, so that the later is never reached."""
    return (
        (earlier.problem is None or (later.problem is not None and _within(later.problem, earlier.problem)))
        and earlier.field in (None, later.field)
        and earlier.entity in (None, later.entity)
        and earlier.region in (None, later.region)
        and (
            not earlier.amount_above
            or (
                bool(later.amount_above)
                and all(
                    currency in earlier.amount_above and limit >= earlier.amount_above[currency]
                    for currency, limit in later.amount_above.items()
                )
            )
        )
    )


def escalation(rules: HoldRules, team: str) -> tuple[str, ...]:
    """Who hears of an overdue hold of a team, one after the other: its lead, then the lead of the team above it, and so on."""
    people: list[str] = []
    seen: set[str] = set()
    above: str | None = team
    while above in rules.teams and above not in seen:
        seen.add(above)
        if rules.teams[above].lead:
            people.append(rules.teams[above].lead)
        above = rules.teams[above].escalates_to
    return tuple(dict.fromkeys(people))


@dataclass(frozen=True, slots=True)
class Trial:
    """What rules would do to past holds: `holds` of them, `routed` by a rule, `differently` from where they are now.

    `by_hand` were given to somebody by hand and stay there, whatever the rules say. `teams` counts per team, `unrouted`
    per problem's code.
    """

    holds: int
    routed: int
    differently: int
    by_hand: int
    teams: Mapping[str, int]
    unrouted: Mapping[str, int]

    @property
    def share(self) -> int:
        """In whole per cent, rounded down: 100 means all of them."""
        return 100 * self.routed // self.holds if self.holds else 100
