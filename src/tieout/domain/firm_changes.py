"""What applying a firm folder would change, in the words of the business."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from tieout.domain.consolidating import Consolidation
from tieout.domain.documents.document import Part
from tieout.domain.documents.package import PackageTask, RateCard, RateCardVersion, ServicePackage
from tieout.domain.firm import ApprovalGate, ConnectionSettings, EarlyStartRule, Firm, LegalEntity, TableRow, ValueTable
from tieout.domain.notification import ChannelSettings, NotificationRule
from tieout.domain.paying import SplitBilling
from tieout.domain.routing import HoldRules, Region, RoutingRule, Team
from tieout.domain.spanning import SpanningCap
from tieout.domain.values import ANY
from tieout.domain.working_days import WorkingCalendar

P = TypeVar("P", bound=Part)
N = TypeVar("N", bound="_Named")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def changes(current: Firm | None, wanted: Firm) -> list[str]:
    """One sentence for each change, in the order of the folder; empty when the wanted firm is in force already."""
    if current is None:
        nothing = Firm.model_construct(name=wanted.name, entities=(), connections={})
        return [f"the firm {wanted.name} is set up", *_between(nothing, wanted)]
    return list(_between(current, wanted))


def _between(before: Firm, after: Firm) -> Iterator[str]:
    yield from _fields("the firm", before, after, ("name", "time_zone"))
    yield from _compared("legal entity", _by_code(before), _by_code(after), _entity, _same_fields)
    yield from _compared("connection", before.connections, after.connections, _connection, _connection_changes)
    yield from _entries("amount above", before.approvals.amount_above, after.approvals.amount_above, "approvals")
    yield from _entries(
        "two people above", before.approvals.two_people_above, after.approvals.two_people_above, "approvals"
    )
    told = ("payment_days_above", "discount_above", "replay_documents_above")
    yield from _fields("approvals", before.approvals, after.approvals, told)
    gates = _by_name(before.approvals.gates), _by_name(after.approvals.gates)
    yield from _compared("gate", *gates, _gate, _same_fields)
    yield from _entries(
        "replay amount above", before.approvals.replay_amount_above, after.approvals.replay_amount_above, "approvals"
    )
    yield from _compared("early start", _early_start(before), _early_start(after), _risk, _same_fields)
    yield from _same_fields("billing", before.billing, after.billing)
    yield from _compared("limit", _by_name(before.caps), _by_name(after.caps), _limit, _same_fields)
    yield from _compared("payers of", _split_by_deal(before), _split_by_deal(after), _split, _same_fields)
    together = _by_payer(before), _by_payer(after)
    yield from _compared("invoices of", *together, _one_per, _same_fields)
    yield from _entries("payment terms", _in_days(before), _in_days(after))
    yield from _entries("owner", before.owners, after.owners)
    yield from _hold_changes(before.holds, after.holds)
    yield from _compared("channel", before.channels, after.channels, _channel, _channel_changes)
    told = _by_name(before.notifications), _by_name(after.notifications)
    yield from _compared("notification", *told, _notification, _notification_changes)
    calendars = _by_name(before.calendars), _by_name(after.calendars)
    yield from _compared("calendar", *calendars, _calendar, _calendar_changes)
    yield from _compared("package", _by_key(before), _by_key(after), _package, _package_changes)
    yield from _compared("rate card", _by_name(before.rate_cards), _by_name(after.rate_cards), _card, _card_changes)
    yield from _compared("table", _by_name(before.tables), _by_name(after.tables), _table, _table_changes)


def _gate(gate: ApprovalGate) -> str:
    return f"{gate.people} of {gate.team} for {', '.join(gate.entities) or 'every entity'}"


def _early_start(firm: Firm) -> dict[str, EarlyStartRule]:
    return {"rule": firm.early_start} if firm.early_start else {}


def _risk(rule: EarlyStartRule) -> str:
    return (
        f"work may begin at {' or '.join(rule.stages)}, for {rule.days} days, accepted by {' and '.join(rule.approval)}"
    )


def _compared(
    noun: str,
    before: Mapping[str, P],
    after: Mapping[str, P],
    summary: Callable[[P], str],
    inner: Callable[[str, P, P], Iterator[str]],
) -> Iterator[str]:
    """Things with a name: what came, what went, and what changed inside those that stayed."""
    for name, thing in after.items():
        if name not in before:
            yield f"{noun} {name}: added ({summary(thing)})"
        elif before[name] != thing:
            yield from inner(f"{noun} {name}", before[name], thing)
    yield from (f"{noun} {name}: removed" for name in before if name not in after)


def _fields(subject: str, before: Part, after: Part, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield f"{subject}: {name.replace('_', ' ')} {_said(old)} → {_said(new)}"


def _same_fields(subject: str, before: Part, after: Part) -> Iterator[str]:
    return _fields(subject, before, after, tuple(type(after).model_fields))


def _entries(noun: str, before: Mapping[str, Any], after: Mapping[str, Any], of: str = "") -> Iterator[str]:
    """Single values by name."""
    lead = f"{of}: {noun}".removeprefix(": ")
    for name, value in after.items():
        if name not in before:
            yield f"{lead} {name}: {_said(value)} added"
        elif before[name] != value:
            yield f"{lead} {name}: {_said(before[name])} → {_said(value)}"
    yield from (f"{lead} {name}: {_said(value)} removed" for name, value in before.items() if name not in after)


def _connection_changes(subject: str, before: ConnectionSettings, after: ConnectionSettings) -> Iterator[str]:
    yield from _fields(subject, before, after, ("kind", "role", "entity", "owner", "shows_holds"))
    yield from _entries("setting", before.settings, after.settings, subject)
    yield from _entries("field", before.fields, after.fields, subject)


def _channel_changes(subject: str, before: ChannelSettings, after: ChannelSettings) -> Iterator[str]:
    yield from _fields(subject, before, after, ("kind", "owner"))
    yield from _entries("setting", before.settings, after.settings, subject)


def _notification_changes(subject: str, before: NotificationRule, after: NotificationRule) -> Iterator[str]:
    yield from _fields(subject, before, after, ("channel", "to", "tells", "cadence", "amounts"))
    plain = ("codes", "entities", "owners", "due_within_hours", "unowned")
    yield from _fields(f"{subject}: holds", before.holds, after.holds, plain)
    yield from _entries("amount above", before.holds.amount_above, after.holds.amount_above, f"{subject}: holds")
    if before.digest != after.digest:
        yield f"{subject}: digest {_hour(before)} → {_hour(after)}"


def _hold_changes(before: HoldRules, after: HoldRules) -> Iterator[str]:
    plain = ("reopen_within_days", "snooze_days_most", "escalate_every_hours", "working_days", "overrides_four_eyes")
    yield from _fields("holds", before, after, plain)
    yield from _compared("team", before.teams, after.teams, _team, _same_fields)
    yield from _compared("region", before.regions, after.regions, _region, _same_fields)
    old, new = [_rule(each) for each in before.rules], [_rule(each) for each in after.rules]
    yield from (f"holds: rule added: {each}" for each in new if each not in old)
    yield from (f"holds: rule removed: {each}" for each in old if each not in new)
    stayed = [each for each in new if each in old]
    if stayed != [each for each in old if each in new]:
        yield "holds: the rules stand in another order"


def _calendar_changes(subject: str, before: WorkingCalendar, after: WorkingCalendar) -> Iterator[str]:
    yield from _fields(subject, before, after, ("entities", "regions", "time_zone", "working_days"))
    yield from _entries("holiday", _by_day(before), _by_day(after), subject)


def _by_day(calendar: WorkingCalendar) -> dict[str, str]:
    return {str(day): name for day, name in sorted(calendar.holidays.items())}


def _package_changes(subject: str, before: ServicePackage, after: ServicePackage) -> Iterator[str]:
    yield from _fields(subject, before, after, ("name", "version", "practice", "project", "billing"))
    old, new = _by_name(before.tasks), _by_name(after.tasks)
    yield from _compared(f"{subject}: task", old, new, _task, _same_fields)
    stayed = [name for name in new if name in old]
    if stayed != [name for name in old if name in new]:
        yield f"{subject}: tasks in another order: {', '.join(new)}"


def _card_changes(subject: str, before: RateCard, after: RateCard) -> Iterator[str]:
    yield from _fields(subject, before, after, ("key", "entity", "currency"))
    old = {each.version: each for each in before.versions}
    new = {each.version: each for each in after.versions}
    for number, version in new.items():
        here = f"{subject}: version {number}"
        if number not in old:
            yield f"{here} from {version.valid_from} added ({_counted(len(version.rates), 'role')})"
        elif old[number] != version:
            yield from _version_changes(f"{here}, published before", old[number], version)
    yield from (f"{subject}: version {number} removed" for number in old if number not in new)


def _version_changes(subject: str, before: RateCardVersion, after: RateCardVersion) -> Iterator[str]:
    yield from _fields(subject, before, after, ("valid_from",))
    yield from _entries("rate of", before.rates, after.rates, subject)


def _table_changes(subject: str, before: ValueTable, after: ValueTable) -> Iterator[str]:
    yield from _fields(subject, before, after, ("purpose", "four_eyes"))
    old = {_identity(each): each for each in before.rows}
    new = {_identity(each): each for each in after.rows}
    for identity, row in new.items():
        if identity not in old:
            meaning = f"means “{row.value}”" if row.value else "means nothing any more"
            yield f"{subject}: “{row.key}” {meaning}{_scope(row)}"
        elif old[identity].value != row.value:
            yield f"{subject}: “{row.key}” means “{row.value}”, no longer “{old[identity].value}”{_scope(row)}"
    for identity, row in old.items():
        if identity not in new:
            yield f"{subject}: “{row.key}”{_scope(row)} is no longer in the folder; its value stays until a row ends it"


def _identity(row: TableRow) -> tuple[Any, ...]:
    return row.key.strip().casefold(), row.entity, row.valid_from


def _scope(row: TableRow) -> str:
    return ("" if row.entity == ANY else f" in {row.entity}") + f" from {row.valid_from}"


def _entity(entity: LegalEntity) -> str:
    return f"{entity.name}, {entity.currency}"


def _connection(connection: ConnectionSettings) -> str:
    return f"{connection.kind} as {connection.role} of {connection.entity or 'every entity'}"


def _channel(channel: ChannelSettings) -> str:
    return channel.kind


def _notification(rule: NotificationRule) -> str:
    to = f" to {', '.join(rule.to)}" if rule.to else ""
    return f"{rule.cadence.replace('_', ' ')} through {rule.channel}{to}"


def _hour(rule: NotificationRule) -> str:
    return f"at {rule.digest.at} {rule.digest.zone}" if rule.digest else "nothing"


def _split_by_deal(firm: Firm) -> dict[str, SplitBilling]:
    return {each.span: each for each in firm.payers}


def _split(split: SplitBilling) -> str:
    return ", ".join(str(each) for each in split.payers) + f"; the rest is {split.rest}'s"


def _by_payer(firm: Firm) -> dict[str, Consolidation]:
    return {each.customer or "everybody else": each for each in firm.consolidated}


def _one_per(rule: Consolidation) -> str:
    return f"one per {rule.one_per.replace('_', ' ')}"


def _limit(cap: SpanningCap) -> str:
    parts = [] if cap.amount is None else [f"{cap.amount:,.2f} {cap.currency}"]
    parts += [] if cap.hours is None else [f"{cap.hours:f} hours"]
    return f"{' and '.join(parts)} for {cap.span}"


def _calendar(calendar: WorkingCalendar) -> str:
    whose = ", ".join((*calendar.entities, *calendar.regions)) or "everybody else"
    return f"{_counted(len(calendar.holidays), 'holiday')}, for {whose}"


def _team(team: Team) -> str:
    return _counted(len(team.members), "member") + (f", led by {team.lead}" if team.lead else "")


def _region(region: Region) -> str:
    return ", ".join((*region.countries, *region.entities))


def _rule(rule: RoutingRule) -> str:
    """A rule in one line: what it fits, and whose that is."""
    parts = [rule.problem or "every problem", f"field {rule.field}", f"in {rule.entity}", f"of {rule.region}"]
    wanted = (True, rule.field, rule.entity, rule.region)
    fits = [part for part, each in zip(parts, wanted, strict=True) if each]
    fits += [f"above {amount} {currency}" for currency, amount in rule.amount_above.items()]
    whose = f"{rule.team}, {rule.assignee}" if rule.assignee else rule.team
    return f"{rule.name + ': ' if rule.name else ''}{' '.join(fits)} → {whose}"


def _package(package: ServicePackage) -> str:
    hours = sum(task.hours for task in package.tasks)
    return f"{package.name}, {_counted(len(package.tasks), 'task')}, {hours} hours"


def _task(task: PackageTask) -> str:
    return f"{task.role}, {task.hours} hours"


def _card(card: RateCard) -> str:
    return f"{card.entity}, {card.currency}, {_counted(len(card.versions), 'version')}"


def _table(table: ValueTable) -> str:
    return _counted(len(table.rows), "row")


def _in_days(firm: Firm) -> dict[str, str]:
    return {name: _counted(days, "day") for name, days in firm.payment_terms.items()}


def _by_code(firm: Firm) -> dict[str, LegalEntity]:
    return {each.code: each for each in firm.entities}


def _by_key(firm: Firm) -> dict[str, ServicePackage]:
    return {each.key: each for each in firm.packages}


def _by_name(things: Sequence[N]) -> dict[str, N]:
    return {each.name: each for each in things}


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _said(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in cast("tuple[object, ...]", value)) or "nothing"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
