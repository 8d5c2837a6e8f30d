"""The firm as its folder describes it: legal entities, connections, packages, rate cards and the rules it chose."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from email.utils import parseaddr
from typing import Annotated, Any, Literal

from pydantic import Field

from tieout.domain.consolidating import Consolidation
from tieout.domain.documents.document import Part
from tieout.domain.documents.package import RateCard, ServicePackage
from tieout.domain.documents.terms import Share
from tieout.domain.expensing import ExpenseRule
from tieout.domain.limits.settings import LimitSettings
from tieout.domain.metering import UsageRule
from tieout.domain.money import Rounding
from tieout.domain.notification import ChannelSettings, Name, NotificationRule
from tieout.domain.paying import SplitBilling
from tieout.domain.routing import HoldRules, TeamName
from tieout.domain.spanning import SpanningCap
from tieout.domain.values import ANY, ValueRow
from tieout.domain.working_days import WorkingCalendar

Role = Literal["crm", "psa", "erp"]
ROLES: tuple[Role, ...] = ("crm", "psa", "erp")

# A connection's name stands in addresses and in the names of environment variables.
ConnectionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Days = Annotated[int, Field(ge=0)]
_OWNER_OF = "the owner of "


class LegalEntity(Part):
    """A company of the firm, with books of its own in one currency."""

    code: str = Field(
        pattern=r"^[A-Z0-9]{1,8}$", description="Short code: 1 to 8 capital letters or digits, such as US"
    )
    name: str = Field(description="The company's legal name")
    currency: Currency = Field(description="The currency of its books: three capital letters (ISO 4217), such as USD")


class ConnectionSettings(Part):
    """One configured system. Secrets come from the environment, never from here."""

    kind: str = Field(description="Which connector speaks to it, such as salesforce")
    role: Role = Field(description="What the system is for the firm: crm, psa or erp")
    entity: str | None = Field(
        default=None, description="The legal entity whose system this is; left out when it is every entity's"
    )
    owner: str = Field(default="", description="Who answers for this system: a person, a team, an e-mail address")
    limits: LimitSettings = Field(
        default=LimitSettings(), description="How much of its vendor's limits the hub uses, and when it may be called"
    )
    settings: dict[str, Any] = Field(
        default_factory=dict[str, Any], description="The connector's own settings, without secrets"
    )
    fields: dict[str, str] = Field(
        default_factory=dict[str, str], description="Tieout's field → the firm's own field in this system"
    )
    shows_holds: bool | None = Field(
        default=None,
        description="Whether the deal in the CRM and the project in the PSA say what they wait for; left out: the CRM alone",
    )


class GateEscalation(Part):
    """Who may answer as well when nobody has; those who were asked before still may."""

    after: int = Field(
        ge=1, le=60, description="Working days without an answer, since it was asked or since the step before"
    )
    to: str = Field(
        pattern=r"^([a-z][a-z0-9]*(-[a-z0-9]+)*|[^@\s<>,;]+@[^@\s<>,;]+)$",
        description="A team under holds, or an e-mail address",
    )


class ApprovalGate(Part):
    """Terms that people of a team must accept as well, each somebody else; they need the right to answer approvals, too."""

    name: str = Field(min_length=1, max_length=100, description="Who they are, as the approval says it: The partners")
    team: TeamName = Field(description="The team under holds: teams whose members and lead may accept")
    people: int = Field(default=1, ge=1, le=9, description="How many of them must accept")
    entities: tuple[str, ...] = Field(default=(), description="For contracts of these legal entities; left out, all")
    amount_above: dict[Currency, Decimal] = Field(
        default_factory=dict[str, Decimal],
        description="Currency → amount: contracts worth more; a currency left out has no gate. Left out, whatever they are worth",
    )
    escalation: tuple[GateEscalation, ...] = Field(
        default=(), description="To whom it goes when nobody answers, one step after the other"
    )

    def fits(self, entity: str, amount: Decimal | None, currency: str) -> bool:
        """Whether a contract of an entity, worth so much, goes through this gate."""
        if self.entities and entity not in self.entities:
            return False
        limit = self.amount_above.get(currency)
        return not self.amount_above or (limit is not None and amount is not None and amount > limit)


class ApprovalRule(Part):
    """Terms that finance must accept before a project is set up, and replays that a second person must agree to."""

    amount_above: dict[Currency, Decimal] = Field(
        default_factory=dict[str, Decimal],
        description="Currency → amount: a deal worth more waits for finance. A currency left out has no limit",
    )
    payment_days_above: Days | None = Field(
        default=None, description="Payment terms longer than this many days wait for finance"
    )
    discount_above: Share | None = Field(
        default=None, description="A role that is sold further below its rate card waits for finance, as a share: 0.1"
    )
    two_people_above: dict[Currency, Decimal] = Field(
        default_factory=dict[str, Decimal],
        description="Currency → amount: terms of a contract worth more need two people, each somebody else",
    )
    gates: tuple[ApprovalGate, ...] = Field(
        default=(), description="Who else must accept a contract, by legal entity and amount; change orders, too"
    )
    replay_documents_above: int | None = Field(
        default=None, ge=0, description="A replay of more documents than this needs the approval of a second person"
    )
    replay_amount_above: dict[Currency, Decimal] = Field(
        default_factory=dict[str, Decimal],
        description="Currency → amount: a replay that makes or moves claims above it needs a second person",
    )


class EarlyStartRule(Part):
    """When work may begin before the contract is signed, at the firm's own risk."""

    stages: tuple[str, ...] = Field(
        min_length=1, description="The stages of such a deal, as the CRM calls them: Verbal Commit"
    )
    days: int = Field(ge=1, le=366, description="For how many days after its start the work may go on unsigned")
    approval: tuple[Literal["delivery", "finance"], ...] = Field(
        default=("delivery",), description="Who must accept the risk first: delivery, finance, or both"
    )
    in_erp: bool = Field(
        default=False,
        description="Whether the ERP gets the project, and the hours as cost, before the contract is signed",
    )

    def allows(self, stage: str) -> bool:
        return stage.strip().casefold() in {each.strip().casefold() for each in self.stages}


class BillingRule(Part):
    """When approved work is invoiced, and what makes a line of the invoice."""

    days_after: int = Field(
        default=2,
        ge=0,
        le=28,
        description="Full days between a month and its billing, 0 to 28: with 2, October is billed on 3 November",
    )
    rounding: Rounding = Field(
        default="half_up",
        description="How the ERP rounds a line's amount: half_up or half_even; it must be the same here",
    )
    line_per: Literal["task_and_rate"] = Field(
        default="task_and_rate", description="One invoice line for each task and rate"
    )
    refresh_drafts: bool = Field(
        default=True,
        description="Whether a draft that nobody has changed in the ERP is made anew, once a day, when the work, the expenses or the "
        "contract beneath it have changed (true); false leaves it, and what came later is billed with the next cut-off",
    )


class TableRow(Part):
    """One key of a value table and what it means from a day on."""

    key: str = Field(description="The value as the systems say it; capitals and outer blanks do not matter")
    value: str = Field(description="What it means; an empty text ends the key's validity from that day on")
    entity: str = Field(default=ANY, description="The legal entity it is true for; * is every entity")
    valid_from: date = Field(default=date(2000, 1, 1), description="The first day it is true, such as 2026-01-01")


class ValueTable(Part):
    """A value table as the folder ships it; later rows are added in the console or by `tieout apply`."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="The table's name: small letters, such as practice_department"
    )
    purpose: str = Field(description="What is derived from it, in the words a hold uses: department")
    four_eyes: bool = Field(default=False, description="A change in the console waits for a second person")
    rows: tuple[TableRow, ...] = Field(default=(), description="The keys and what they mean")


class Firm(Part):
    """Everything `tieout.yaml`, `calendars/`, `packages/`, `rate_cards/` and `tables/` say, checked and frozen."""

    name: str = Field(description="The firm's name, as the console shows it")
    time_zone: str = Field(
        default="UTC", description="Where the firm's business day begins and ends, such as America/New_York"
    )
    entities: tuple[LegalEntity, ...] = Field(min_length=1, description="The companies of the firm")
    connections: dict[ConnectionName, ConnectionSettings] = Field(
        description="Name (small letters, digits, hyphens) → a configured system"
    )
    approvals: ApprovalRule = Field(
        default=ApprovalRule(), description="Terms that finance must accept before a project is set up"
    )
    early_start: EarlyStartRule | None = Field(
        default=None,
        description="Work before the signature: a tentative project, its time at risk. Left out, there is none",
    )
    billing: BillingRule = Field(default=BillingRule(), description="When approved work is invoiced")
    caps: tuple[SpanningCap, ...] = Field(
        default=(), description="Limits on billing that span engagements: of purchase orders and of customers"
    )
    payers: tuple[SplitBilling, ...] = Field(
        default=(), description="Deals that several customers pay; the first entry that is of a deal counts"
    )
    consolidated: tuple[Consolidation, ...] = Field(
        default=(),
        description="Who gets one invoice for several projects or engagements; the first entry that is of the payer counts",
    )
    expenses: ExpenseRule = Field(
        default=ExpenseRule(), description="What becomes of expenses, and which need a receipt"
    )
    usage: UsageRule = Field(default=UsageRule(), description="Who sends readings of metered usage")
    payment_terms: dict[str, Days] = Field(
        default_factory=dict[str, int], description="Payment terms as deals name them → days until the invoice is due"
    )
    owners: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="Who answers for a hold, as Tieout names them (finance operations) → who that is here",
    )
    channels: dict[Name, ChannelSettings] = Field(
        default_factory=dict[str, ChannelSettings],
        description="Name (small letters, digits, hyphens) → a way to tell people: e-mail, Slack, Teams, a webhook",
    )
    notifications: tuple[NotificationRule, ...] = Field(default=(), description="Who is told of what, how and when")
    holds: HoldRules = Field(default=HoldRules(), description="Whose a hold is, and when it comes back")
    calendars: tuple[WorkingCalendar, ...] = Field(default=(), description="The working days of calendars/")
    packages: tuple[ServicePackage, ...] = Field(default=(), description="The service packages of packages/")
    rate_cards: tuple[RateCard, ...] = Field(default=(), description="The rate cards of rate_cards/")
    tables: tuple[ValueTable, ...] = Field(default=(), description="The value tables of tables/")

    def entity(self, code: str) -> LegalEntity | None:
        return next((each for each in self.entities if each.code == code), None)

    def package(self, code: str) -> ServicePackage | None:
        return next((each for each in self.packages if each.key.casefold() == code.strip().casefold()), None)

    def rate_card(self, entity: str) -> RateCard | None:
        return next((each for each in self.rate_cards if each.entity == entity), None)

    def named_rate_card(self, name: str) -> RateCard | None:
        return next((each for each in self.rate_cards if each.name == name), None)

    def table(self, name: str) -> ValueTable | None:
        return next((each for each in self.tables if each.name == name), None)

    def connection(self, role: Role, entity: str | None) -> str | None:
        """The connection that plays a role for an entity; its own one goes before one for every entity."""
        of_role = {name: each for name, each in self.connections.items() if each.role == role}
        own = [name for name, each in of_role.items() if each.entity == entity]
        shared = [name for name, each in of_role.items() if each.entity is None]
        return next(iter(own or shared), None)

    def limits(self, connection: str) -> LimitSettings:
        """The limits of a connection; those of nobody where the firm has none of that name."""
        settings = self.connections.get(connection)
        return LimitSettings() if settings is None else settings.limits

    def shows_holds(self, connection: str) -> bool:
        """Whether the firm wants to read in a system itself what waits for a person."""
        settings = self.connections[connection]
        return settings.role == "crm" if settings.shows_holds is None else settings.shows_holds

    def purpose(self, table: str) -> str:
        found = self.table(table)
        return found.purpose if found else table

    def answers_for(self, owner: str) -> str:
        """Who a problem's owner (“finance operations”, “the owner of erp-us”) is in this firm; empty when not named."""
        connection = self.connections.get(owner.removeprefix(_OWNER_OF))
        if owner.startswith(_OWNER_OF) and connection is not None:
            return connection.owner
        return self.owners.get(owner, "")

    def recipients(self, rule: NotificationRule) -> list[str]:
        """The e-mail addresses that a rule means: its own, its teams' people, and who stands under `owners`."""
        meant = [each for who in rule.to for each in self._people(who)]
        return list(dict.fromkeys(address for each in meant if "@" in (address := parseaddr(each)[1])))

    def _people(self, who: str) -> tuple[str, ...]:
        team = self.holds.teams.get(who)
        if team is not None:
            return (*team.members, team.lead)
        return (who if "@" in who else self.owners.get(who, ""),)

    def shipped_rows(self, author: str) -> list[ValueRow]:
        return [
            ValueRow(table.name, row.key, row.value, row.entity, row.valid_from, author)
            for table in self.tables
            for row in table.rows
        ]
