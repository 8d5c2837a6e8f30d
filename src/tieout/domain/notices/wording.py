"""The words of notices: sentences of our own, with nothing in them but what the firm folder itself calls things.

A fact of a hold may be anything: a customer, a person, an address, what a vendor said. So no fact stands in a message
because it looks harmless. A sentence names the facts it may show, and each is shown only when its value is a word of
the firm folder (a legal entity, a table, a rate card, a role, a system); otherwise a general word takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

from tieout.domain.firm import Firm
from tieout.domain.money import Money
from tieout.domain.notices.decision import Standing
from tieout.domain.notices.message import Event, Item, Message
from tieout.domain.notification import NotificationRule, Reason
from tieout.domain.problems import CATALOGUE

# Problem code → what may be said of it. A code that is not here is told without any fact.
SENTENCES: Mapping[str, str] = {
    "deal.field_missing": "A field is missing on a deal",
    "deal.field_invalid": "A field on a deal cannot be right",
    "deal.currency_differs": "A deal is in another currency than {entity} sells in",
    "deal.terms_differ": "The payment terms of a deal are not those of the signed contract",
    "deal.reopened": "A deal is no longer won, and its project has work",
    "deal.amount_changed": "The amount of a deal is no longer that of its contract",
    "deal.quote_changed": "The quote of a deal no longer has the packages of its contract",
    "deal.deleted": "A deal was deleted in the CRM after its project had been set up",
    "value.missing": "The value table {table} lacks a value for {entity}",
    "package.unknown": "A deal sells a service package that the firm folder does not have",
    "customer.possible_duplicate": "A customer may already be in the ERP",
    "customer.merged": "Two customers in the ERP were merged in the CRM",
    "customer.two_accounts": "The CRM has two accounts for one customer",
    "customer.cycle": "The parents of a customer go round in a circle",
    "person.unknown": "Somebody has booked time whom the ERP of {entity} does not employ",
    "time.project_unknown": "Hours are on a project that Tieout does not know",
    "time.unreadable": "A time entry says what cannot be read",
    "time.task_unknown": "Hours are on a task that the contract does not have",
    "time.rate_missing": "The rate card {card} has no rate for {role}",
    "time.rate_differs": "The PSA carries another rate than the rate card {card}",
    "time.entity_differs": "Somebody of {person_entity} worked on a project of {entity}, at no agreed price",
    "time.vendor_rate_missing": "Nobody has said what an hour of a subcontractor costs",
    "expense.unreadable": "An expense in {system} cannot be read",
    "milestone.unreadable": "A milestone in {system} cannot be read",
    "expense.project_unknown": "An expense is on a project that Tieout does not know",
    "expense.entity_differs": "Somebody of {person_entity} claims an expense on a project of {entity}",
    "expense.category_unknown": "Nobody has said what becomes of a category of expenses",
    "expense.receipt_missing": "A receipt is missing",
    "expense.rate_missing": "An exchange rate is missing",
    "expense.tax_contradicts": "An expense is said to be taxable and to be disbursed",
    "usage.engagement_unknown": "Usage was sent for an engagement that Tieout does not know",
    "usage.meter_unknown": "Usage was sent by a meter that the contract does not sell by",
    "usage.package_unclear": "Usage was sent that may be of several packages",
    "usage.unit_differs": "Usage is counted in another unit than the contract sells it by",
    "usage.outside_term": "Usage was sent of a day on which it is not sold",
    "milestone.missing": "A milestone of a contract is not in the PSA",
    "milestone.doubled": "A milestone of a contract is in the PSA more than once",
    "change.invalid": "An approved change order cannot be applied",
    "change.below_done": "A change order would leave less than what is done already",
    "change.revenue": "A contract has a new version, and finance decides what it means for revenue",
    "contract.version_differs": "{system} does not show the version of a contract that is agreed",
    "billing.po_missing": "A purchase order number is missing",
    "billing.negative": "The next invoice of a project would be negative",
    "billing.cap_currency": "A limit is in another currency than work beneath it",
    "billing.payer_unknown": "{system} does not have a customer who pays a share",
    "billing.over_cap": "Work on a project is above its limit",
    "billing.to_write_off": "Work above a limit is to be written off",
    "invoice.totals_differ": "The ERP computed another total than Tieout expected",
    "invoice.tax_differs": "The ERP charges another tax than Tieout expected",
    "invoice.incomplete": "A draft invoice leaves out an engagement that waits",
    "invoice.vanished": "A proposed invoice is no longer in the ERP",
    "target.refused": "{system} refused a change",
    "target.unknown": "Nobody knows whether {system} made a change",
    "target.doubled": "{system} has something twice",
    "connection.misconfigured": "{system} does not let Tieout in",
    "run.failed": "Tieout could not work on something",
    "run.poison": "Something stops Tieout whenever it is worked on",
    "run.hung": "Tieout did not come to an end with something",
}
_UNKNOWN_CODE = "Something waits for a person"
# Fact → the general word where its value is not the firm's own.
_GENERAL: Mapping[str, str] = {
    "entity": "a legal entity",
    "person_entity": "another legal entity",
    "table": "of a firm",
    "card": "in force",
    "role": "a role",
    "system": "A system",
}
_LEADS: Mapping[Reason, str] = {
    "unowned": "Due soon and nobody has it",
    "promise": "About to be late",
    "unknown": "Outcome unknown",
    "silence": "Silent source",
    "escalated": "Not answered in time",
}
_MOST = 20
# An operation is a name that a connector gave it in its code.
_OPERATION = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40})+\Z")


class Words:
    """Writes the messages of one rule. `address` is where people reach the console."""

    def __init__(self, firm: Firm, address: str, rule: NotificationRule) -> None:
        self._known = vocabulary(firm)
        self._owners = owners(firm)
        self._address = address.rstrip("/")
        self._rule = rule

    def notice(self, event: Event, standing: Standing, reason: Reason, now: datetime) -> Message:
        """One cause, told at once or told again because it grew."""
        lines = list(self._particulars(standing, reason, now))
        title = f"{_LEADS[reason]}: {self.about(standing)}"
        return Message(event, title, tuple(lines), self.link(standing), (), self._figures(standing, reason))

    def over(self, title: str, link: str, figures: Mapping[str, Any]) -> Message:
        """The cause is gone: what was said about it, under `title`, is no longer true."""
        told: dict[str, Any] = {**figures, "count": 0, "unowned": 0, "amounts": []}
        lines = ("Nothing waits for it any more.",)
        return Message("ended", f"Over: {title.partition(': ')[2]}", lines, link, (), told)

    def crowd(self, number: int) -> Message:
        """Very many causes at the same moment, told in one message."""
        title = f"{number} things need somebody at the same time"
        lines = ("Each of them is due soon, late, of unknown outcome, or a silent source.",)
        return Message("opened", title, lines, f"{self._address}/holds?tab=unassigned", (), {"causes": number})

    def digest(self, standings: Sequence[Standing], resolved: int, day: str) -> Message:
        """Everything that waits, by cause: what is due first stands first."""
        total = sum(each.count for each in standings)
        lines = [f"{self._how_much(total, _sums(standings))}, for {_counted(len(standings), 'cause')}."]
        if resolved:
            lines.append(f"{_counted(resolved, 'hold')} ended in the last 24 hours.")
        if len(standings) > _MOST:
            lines.append(f"These are the first {_MOST} causes.")
        items = tuple(Item(self._line(each), self.link(each)) for each in standings[:_MOST])
        figures = {"count": total, "causes": len(standings), "resolved": resolved, "day": day,
                   "amounts": self._amounts(_sums(standings))}  # fmt: skip
        title = f"{_counted(total, 'hold')} waiting, {day}"
        return Message("digest", title, tuple(lines), f"{self._address}/holds", items, figures)

    def about(self, standing: Standing) -> str:
        """The problem in words that hold nothing secret and nobody's name."""
        if standing.code:
            return self._filled(SENTENCES.get(standing.code, _UNKNOWN_CODE), standing.facts)
        if "approval" in standing.facts:
            return "An approval waits for a yes or no"
        system = self._fact("system", standing.facts)
        if standing.reason == "unknown" or "operation" in standing.facts:
            operation = standing.facts.get("operation", "")
            return f"{operation if _OPERATION.match(operation) else 'a change'} in {system}"
        return f"{system} cannot be read"

    def link(self, standing: Standing) -> str:
        """To the hold, or to the system: one click from the message to what can be done."""
        if standing.first is not None:
            return f"{self._address}/holds/H-{standing.first}"
        if "approval" in standing.facts:
            return f"{self._address}/approvals/{standing.facts['approval']}"
        system = standing.facts.get("system", "")
        return f"{self._address}/systems" + (f"/{system}" if system in self._known["system"] else "")

    def _line(self, standing: Standing) -> str:
        assert standing.due_at is not None, "what is in a digest is a hold"
        taken = ", unowned" if standing.unowned else ""
        due = _moment(standing.due_at, self._rule.zone)
        return f"{self.about(standing)}: {self._how_much(standing.count, standing.amounts)}, due {due}{taken}"

    def _particulars(self, standing: Standing, reason: Reason, now: datetime) -> Iterator[str]:
        since = _moment(standing.since, self._rule.zone)
        if reason == "silence":
            yield f"It was last read to its end {since}. Nothing is lost meanwhile."
            return
        if reason == "unknown":
            yield f"{_counted(standing.count, 'change')} since {since}. Do not repeat them by hand."
            return
        if reason == "escalated":
            shown = ", ".join(str(each) for each in standing.amounts) if self._rule.amounts else ""
            whose = (
                f"it is for {standing.owner} to answer" if standing.owner in self._owners else "others may answer it"
            )
            yield f"{shown + ', asked' if shown else 'Asked'} {since}; now {whose}, too."
            return
        yield self._how_much(standing.count, standing.amounts) + "."
        if standing.due_at is not None:
            late = "overdue since" if standing.due_at < now else "due"
            yield f"The first is {late} {_moment(standing.due_at, self._rule.zone)}."
        if standing.owner in self._owners:
            yield f"It belongs to {standing.owner}{'; nobody has taken it' if standing.unowned else ''}."

    def _how_much(self, count: int, amounts: Sequence[Money]) -> str:
        shown = " and ".join(str(each) for each in amounts) if self._rule.amounts else ""
        return _counted(count, "hold") + (f", {shown}" if shown else "")

    def _figures(self, standing: Standing, reason: Reason) -> dict[str, Any]:
        return {
            "reason": reason,
            "code": standing.code if standing.code in CATALOGUE else "",
            "hold": f"H-{standing.first}" if standing.first is not None else None,
            "count": standing.count,
            "unowned": standing.unowned,
            "amounts": self._amounts(standing.amounts),
            "since": standing.since.isoformat(),
            "due_at": standing.due_at.isoformat() if standing.due_at else None,
        }

    def _amounts(self, amounts: Sequence[Money]) -> list[dict[str, str]]:
        if not self._rule.amounts:
            return []
        return [{"amount": f"{each.amount:f}", "currency": each.currency} for each in amounts]

    def _filled(self, sentence: str, facts: Mapping[str, str]) -> str:
        names = [name for _, name, _, _ in Formatter().parse(sentence) if name]
        return sentence.format_map({name: self._fact(name, facts) for name in names})

    def _fact(self, name: str, facts: Mapping[str, str]) -> str:
        value = facts.get(name, "")
        return value if value in self._known[name] else _GENERAL[name]


def vocabulary(firm: Firm) -> Mapping[str, frozenset[str]]:
    """Fact → the values of it that are words of the firm folder."""
    codes = frozenset(each.code for each in firm.entities)
    roles = {role for card in firm.rate_cards for version in card.versions for role in version.rates}
    return {
        "entity": codes,
        "person_entity": codes,
        "table": frozenset(each.name for each in firm.tables),
        "card": frozenset(each.name for each in firm.rate_cards),
        "role": frozenset(roles),
        "system": frozenset((*firm.connections, *firm.channels)),
    }


def owners(firm: Firm) -> frozenset[str]:
    """Who may be named as answering for a hold: the teams of the catalogue and of the folder, never a person."""
    teams = {each.owner for each in CATALOGUE.values() if "{" not in each.owner}
    return frozenset((*teams, *firm.owners, *firm.holds.teams, *(f"the owner of {name}" for name in firm.connections)))


def trial(address: str) -> Message:
    """What `tieout notify test` sends."""
    lines = ("This is a test. When you read it, the channel works.",)
    return Message("test", "Tieout reaches this channel", lines, address.rstrip("/") or "/", (), {})


def _sums(standings: Sequence[Standing]) -> tuple[Money, ...]:
    found: dict[str, Money] = {}
    for each in (amount for standing in standings for amount in standing.amounts):
        found[each.currency] = found.get(each.currency, Money.zero(each.currency)) + each
    return tuple(sorted(found.values(), key=lambda each: (-each.amount, each.currency)))


def _moment(at: datetime, zone: ZoneInfo) -> str:
    """Wed 25 Nov 14:05 CET: no word about how long it is until then, which would soon be wrong."""
    return f"{at.astimezone(zone):%a %-d %b %H:%M %Z}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"
