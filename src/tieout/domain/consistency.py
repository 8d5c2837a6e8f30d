"""What contradicts itself across the parts of a firm folder, each contradiction with its place and its way out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tieout.domain import (
    billing_consistency,
    calendar_consistency,
    expense_consistency,
    gate_consistency,
    lending,
    usage_consistency,
)
from tieout.domain.choosing import choose
from tieout.domain.documents.package import RateCard, ServicePackage
from tieout.domain.documents.plans import RetainerPlan
from tieout.domain.firm import ROLES, Firm, ValueTable
from tieout.domain.notices.wording import owners
from tieout.domain.notification import NotificationRule
from tieout.domain.problems import CATALOGUE
from tieout.domain.routing import HoldRules, RoutingRule, covers
from tieout.domain.selling import unsellable
from tieout.domain.values import ANY
from tieout.domain.zones import is_zone

Path = tuple[str | int, ...]

_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\Z")

# What has a module of its own.
_PARTS = (expense_consistency, usage_consistency, billing_consistency, gate_consistency, calendar_consistency, lending)
# Tables that no deal gets past without.
_NEEDED = {"practice_department": "the department of a practice"}


@dataclass(frozen=True, slots=True)
class Fault:
    """`path` leads to the wrong value within the Firm: ("packages", 0, "tasks", 2, "role")."""

    path: Path
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.what}. {self.fix}"


def faults(firm: Firm) -> list[Fault]:
    """Every contradiction; an empty list when the firm can be applied."""
    return [
        *_zone_faults(("time_zone",), firm.time_zone),
        *_entity_faults(firm),
        *_connection_faults(firm),
        *_rule_faults(firm),
        *(Fault(*each) for part in _PARTS for each in part.contradictions(firm)),
        *_hold_faults(firm),
        *_notification_faults(firm),
        *_rate_card_faults(firm),
        *_package_faults(firm),
        *_table_faults(firm),
    ]


def dotted(path: Path) -> str:
    """A path as people write it: packages[0].tasks[2].role."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _entity_faults(firm: Firm) -> Iterator[Fault]:
    seen: set[str] = set()
    for i, entity in enumerate(firm.entities):
        if entity.code in seen:
            what = f"{entity.code} stands here twice"
            yield Fault(("entities", i, "code"), what, "Give each legal entity its own code.")
        seen.add(entity.code)


def _connection_faults(firm: Firm) -> Iterator[Fault]:
    codes = _codes(firm)
    players: dict[tuple[str, str | None], str] = {}
    for name, connection in firm.connections.items():
        path = ("connections", name)
        if connection.entity is not None and connection.entity not in codes:
            yield _no_entity((*path, "entity"), connection.entity, codes)
        if connection.role == "erp" and connection.shows_holds:
            what = "a ledger has no place of its own for what waits: the console and the CRM say it"
            yield Fault((*path, "shows_holds"), what, "Leave it out.")
        other = players.setdefault((connection.role, connection.entity), name)
        if other != name:
            whom = connection.entity or "every entity"
            yield Fault(
                (*path, "role"),
                f"{other} plays the role {connection.role} for {whom} already",
                "Name the legal entity of each, or remove one.",
            )
    for entity in firm.entities:
        for role in ROLES:
            if firm.connection(role, entity.code) is None:
                yield Fault(
                    ("connections",),
                    f"nothing plays the role {role} for {entity.code}",
                    f"Add a connection with role: {role}, for {entity.code} or for every entity.",
                )


def _rule_faults(firm: Firm) -> Iterator[Fault]:
    path = ("approvals", "amount_above")
    for currency, amount in firm.approvals.amount_above.items():
        yield from _currency_faults(path, [currency], firm)
        if amount < 0:
            yield Fault((*path, currency), f"{amount} is negative", "Give the largest amount that needs no approval.")
    known = {each.owner for each in CATALOGUE.values() if "{" not in each.owner}
    for owner in firm.owners:
        if owner not in known:
            yield Fault(("owners", owner), f"no hold is ever owned by “{owner}”", choose(owner, known))


def _notification_faults(firm: Firm) -> Iterator[Fault]:
    for name in firm.channels:
        if name in firm.connections:
            yield Fault(("channels", name), f"a connection is called {name} too", "Give the channel another name.")
    yield from _twice("notifications", "name", [each.name for each in firm.notifications])
    for i, rule in enumerate(firm.notifications):
        path = ("notifications", i)
        if rule.channel not in firm.channels:
            fix = choose(rule.channel, firm.channels) if firm.channels else "Describe it under channels."
            yield Fault((*path, "channel"), f"there is no channel “{rule.channel}”", fix)
        yield from _digest_faults(path, rule)
        yield from _recipient_faults(path, rule, firm)
        yield from _selection_faults((*path, "holds"), rule, firm)


def _digest_faults(path: Path, rule: NotificationRule) -> Iterator[Fault]:
    if rule.cadence != "at_once" and rule.digest is None:
        fix = "Add digest: { at: 08:00, zone: Europe/Berlin }, or cadence: at_once."
        yield Fault((*path, "digest"), "nothing says when the digest is sent", fix)
    if rule.digest is not None:
        yield from _zone_faults((*path, "digest", "zone"), rule.digest.zone)


def _zone_faults(path: Path, zone: str) -> Iterator[Fault]:
    if not is_zone(zone):
        fix = "Give a name of the IANA time zone database, such as Europe/Berlin."
        yield Fault(path, f"“{zone}” is not a time zone", fix)


def _recipient_faults(path: Path, rule: NotificationRule, firm: Firm) -> Iterator[Fault]:
    for i, who in enumerate(rule.to):
        if "@" in who and not _ADDRESS.match(who):
            yield Fault(
                (*path, "to", i), f"“{who}” is not an e-mail address", "Write name@example.com and nothing else."
            )
        elif not firm.recipients(rule.model_copy(update={"to": (who,)})):
            fix = f"Write it under owners: {who}: Name <name@example.com>, or name a team of holds: teams that has members."
            yield Fault((*path, "to", i), f"the folder has no e-mail address for “{who}”", fix)


def _selection_faults(path: Path, rule: NotificationRule, firm: Firm) -> Iterator[Fault]:
    codes, chosen = _codes(firm), rule.holds
    for i, code in enumerate(chosen.codes):
        if code not in CATALOGUE:
            yield Fault((*path, "codes", i), f"no problem has the code “{code}”", choose(code, CATALOGUE))
    for i, entity in enumerate(chosen.entities):
        if entity not in codes:
            yield _no_entity((*path, "entities", i), entity, codes)
    yield from _currency_faults((*path, "amount_above"), chosen.amount_above, firm)
    known = owners(firm)
    for i, owner in enumerate(chosen.owners):
        if owner not in known:
            yield Fault((*path, "owners", i), f"no hold is ever owned by “{owner}”", choose(owner, known))


def _hold_faults(firm: Firm) -> Iterator[Fault]:
    rules, codes = firm.holds, _codes(firm)
    yield from _team_faults(rules)
    country_of: dict[str, str] = {}
    for name, region in rules.regions.items():
        for i, country in enumerate(region.countries):
            path = ("holds", "regions", name, "countries", i)
            other = country_of.setdefault(country.casefold(), name)
            if other != name:
                yield Fault(path, f"“{country}” is in the region {other} already", "Keep it in one of them.")
        for i, entity in enumerate(region.entities):
            if entity not in codes:
                yield _no_entity(("holds", "regions", name, "entities", i), entity, codes)
    for i, rule in enumerate(rules.rules):
        yield from _routing_faults(("holds", "rules", i), rule, firm)
        before = next((n for n in range(i) if covers(rules.rules[n], rule)), None)
        if before is not None:
            what = f"this rule is never reached: rule {before + 1} takes everything that fits it"
            yield Fault(("holds", "rules", i), what, f"Put it before rule {before + 1}, or remove it.")


def _team_faults(rules: HoldRules) -> Iterator[Fault]:
    for name, team in rules.teams.items():
        path = ("holds", "teams", name, "escalates_to")
        if team.escalates_to is not None and team.escalates_to not in rules.teams:
            yield Fault(path, f"there is no team “{team.escalates_to}”", choose(team.escalates_to, rules.teams))
        above, seen = team.escalates_to, [name]
        while above in rules.teams and above not in seen:
            seen.append(above)
            above = rules.teams[above].escalates_to
        if above == name:
            yield Fault(
                path, f"the teams escalate in a circle: {' → '.join([*seen, name])}", "Let the highest one end it."
            )


def _routing_faults(path: Path, rule: RoutingRule, firm: Firm) -> Iterator[Fault]:
    teams, known = firm.holds.teams, {*CATALOGUE, *(f"{code.partition('.')[0]}.*" for code in CATALOGUE)}
    if rule.team not in teams:
        fix = choose(rule.team, teams) if teams else "Describe it under holds: teams."
        yield Fault((*path, "team"), f"there is no team “{rule.team}”", fix)
    elif rule.assignee and rule.assignee not in (*teams[rule.team].members, teams[rule.team].lead):
        what = f"“{rule.assignee}” is not in the team {rule.team}"
        yield Fault((*path, "assignee"), what, choose(rule.assignee, teams[rule.team].members))
    if rule.problem is not None and rule.problem not in known:
        yield Fault((*path, "problem"), f"no problem has the code “{rule.problem}”", choose(rule.problem, known))
    if rule.entity is not None and rule.entity not in _codes(firm):
        yield _no_entity((*path, "entity"), rule.entity, _codes(firm))
    if rule.region is not None and rule.region not in firm.holds.regions:
        regions = firm.holds.regions
        fix = choose(rule.region, regions) if regions else "Describe it under holds: regions."
        yield Fault((*path, "region"), f"there is no region “{rule.region}”", fix)
    yield from _currency_faults((*path, "amount_above"), rule.amount_above, firm)


def _rate_card_faults(firm: Firm) -> Iterator[Fault]:
    codes = _codes(firm)
    for entity in firm.entities:
        if firm.rate_card(entity.code) is None:
            yield Fault(
                ("rate_cards",),
                f"there is no rate card for the legal entity {entity.code}",
                f"Add one with entity: {entity.code} and currency: {entity.currency}.",
            )
    first: dict[str, str] = {}
    for i, card in enumerate(firm.rate_cards):
        path = ("rate_cards", i)
        entity = firm.entity(card.entity)
        if entity is None:
            yield _no_entity((*path, "entity"), card.entity, codes)
        elif card.currency != entity.currency:
            yield Fault(
                (*path, "currency"),
                f"the rate card is in {card.currency}, but {entity.code} keeps its books in {entity.currency}",
                f"Give the rates in {entity.currency}.",
            )
        if card.entity in first:
            yield Fault(
                (*path, "entity"),
                f"{card.entity} has the rate card “{first[card.entity]}” already",
                "Add the rates there, as a version with its own valid_from.",
            )
        first.setdefault(card.entity, card.name)
        yield from _version_faults(path, card)
    yield from _twice("rate_cards", "key", [each.key for each in firm.rate_cards])
    yield from _twice("rate_cards", "name", [each.name for each in firm.rate_cards])


def _version_faults(path: Path, card: RateCard) -> Iterator[Fault]:
    if not card.versions:
        yield Fault(
            (*path, "versions"), "the rate card has no versions", "Add version 1 with its valid_from and rates."
        )
    for i, version in enumerate(card.versions):
        here = (*path, "versions", i)
        before = card.versions[i - 1] if i else None
        if before and version.version <= before.version:
            yield Fault(
                (*here, "version"),
                f"version {version.version} comes after version {before.version}",
                f"Number it {before.version + 1}.",
            )
        if before and version.valid_from <= before.valid_from:
            yield Fault(
                (*here, "valid_from"),
                f"version {version.version} begins on {version.valid_from}, not after version {before.version}"
                f" ({before.valid_from})",
                "List versions in the order of their days, each with a day of its own.",
            )
        for role, rate in version.rates.items():
            if rate < 0:
                yield Fault((*here, "rates", role), f"{rate} is negative", "A rate is money per hour, zero or more.")


def _package_faults(firm: Firm) -> Iterator[Fault]:
    roles = {role for card in firm.rate_cards for version in card.versions for role in version.rates}
    yield from _twice("packages", "key", [each.key for each in firm.packages])
    for i, package in enumerate(firm.packages):
        yield from _task_faults(("packages", i), package, roles)
        yield from _plan_faults(("packages", i), package, roles)


def _plan_faults(path: Path, package: ServicePackage, roles: set[str]) -> Iterator[Fault]:
    for name, what, fix in unsellable(package):
        yield Fault((*path, name), what, fix)
    plan = package.plan
    if isinstance(plan, RetainerPlan):
        for name in ("overage_rates", "multipliers"):
            for role in sorted(set(getattr(plan, name)) - roles):
                known = choose(role, roles)
                yield Fault((*path, "billing", name, role), f"no rate card knows the role “{role}”", known)


def _task_faults(path: Path, package: ServicePackage, roles: set[str]) -> Iterator[Fault]:
    if not package.tasks:
        yield Fault((*path, "tasks"), "the package has no tasks", "Add at least one, with name, role and hours.")
    names: set[str] = set()
    for i, task in enumerate(package.tasks):
        here = (*path, "tasks", i)
        if task.name.casefold() in names:
            yield Fault((*here, "name"), f"the task “{task.name}” stands here twice", "Give each task its own name.")
        names.add(task.name.casefold())
        if task.role not in roles:
            yield Fault((*here, "role"), f"no rate card knows the role “{task.role}”", choose(task.role, roles))
        if task.hours < 0:
            yield Fault((*here, "hours"), f"{task.hours} is negative", "Give the budget of the task in hours.")


def _table_faults(firm: Firm) -> Iterator[Fault]:
    for name, purpose in _NEEDED.items():
        if firm.table(name) is None:
            yield Fault(
                ("tables",),
                f"there is no table {name}, which tells {purpose}",
                f"Add tables/{name}.yaml; it may be empty at first.",
            )
    yield from _twice("tables", "name", [each.name for each in firm.tables])
    for i, table in enumerate(firm.tables):
        yield from _row_faults(("tables", i), table, _codes(firm))


def _row_faults(path: Path, table: ValueTable, codes: set[str]) -> Iterator[Fault]:
    seen: set[tuple[object, ...]] = set()
    for i, row in enumerate(table.rows):
        here = (*path, "rows", i)
        if row.entity not in codes | {ANY}:
            yield _no_entity((*here, "entity"), row.entity, codes | {ANY})
        if table.name == "legal_entity" and row.value and row.value not in codes:
            yield _no_entity((*here, "value"), row.value, codes)
        identity = (row.key.strip().casefold(), row.entity, row.valid_from)
        if identity in seen:
            yield Fault(
                (*here, "key"),
                f"“{row.key}” stands here twice for {_whom(row.entity)} from {row.valid_from}",
                "Keep one, or give the later one its own valid_from.",
            )
        seen.add(identity)


def _twice(part: str, name: str, values: list[str]) -> Iterator[Fault]:
    counts = Counter(each.casefold() for each in values)
    seen: set[str] = set()
    for i, value in enumerate(values):
        if value.casefold() in seen:
            yield Fault(
                (part, i, name), f"“{value}” stands in the folder {counts[value.casefold()]} times", "Keep one of them."
            )
        seen.add(value.casefold())


def _no_entity(path: Path, code: str, codes: set[str]) -> Fault:
    return Fault(path, f"“{code}” is not a legal entity of the firm", choose(code, codes))


def _currency_faults(path: Path, given: Iterable[str], firm: Firm) -> Iterator[Fault]:
    for currency in given:
        if currency not in _currencies(firm):
            what = f"no legal entity keeps its books in {currency}"
            yield Fault((*path, currency), what, choose(currency, _currencies(firm)))


def _currencies(firm: Firm) -> set[str]:
    return {each.currency for each in firm.entities}


def _codes(firm: Firm) -> set[str]:
    return {each.code for each in firm.entities}


def _whom(entity: str) -> str:
    return "every entity" if entity == ANY else entity
