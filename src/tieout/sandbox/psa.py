"""Kestrel's Kantata account: its people with their roles and tokens, rate cards, templates, and the firm's own fields."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from tieout.connectors.kantata.emulator import (
    KantataAccount,
    KantataExchangeRate,
    KantataField,
    KantataRateCard,
    KantataTemplate,
    KantataUser,
    RateVersion,
    TemplateTask,
)
from tieout.sandbox.credentials import Credentials
from tieout.sandbox.firm import Colleague, KestrelFirm

HUB = "hub@kestrel.example"
# What the hub tells delivery about the money of a project: field of the project → its type.
FIELDS = {
    "Engagement": "string",
    "ERP Project": "string",
    "Contract Version": "string",
    "Billed": "currency",
    "Paid": "currency",
    "Unbilled": "currency",
    "Invoice Status": "string",
    "Last Invoice": "string",
    "Hold Status": "string",
    "Hold Message": "string",
}
# The account's exchange table: units of the project's currency for one that a receipt is in.
RATES = {
    ("GBP", "USD"): Decimal("1.3450"),
    ("CHF", "USD"): Decimal("1.2510"),
    ("EUR", "USD"): Decimal("1.0870"),
    ("GBP", "EUR"): Decimal("1.1530"),
    ("CHF", "EUR"): Decimal("1.0720"),
    ("USD", "EUR"): Decimal("0.9200"),
}
_RATES_SINCE = date(2026, 1, 1)


class Psa:
    """The account, and the tokens of everybody in it."""

    def __init__(
        self,
        firm: KestrelFirm,
        credentials: Credentials,
        clock: Callable[[], datetime],
        *,
        state: Path | None = None,
        seed: int = 0,
    ) -> None:
        self.firm = firm
        self._credentials = credentials
        self._rates = {each.entity: each.on(firm.story.first_day).rates for each in firm.rate_cards}
        home = firm.entities[0]
        self.account = KantataAccount(
            clock,
            users=[self._hub(), *(self._user(each) for each in firm.people)],
            state=state,
            roles=firm.roles,
            templates=_templates(firm),
            rate_cards=_rate_cards(firm),
            exchange_rates=[KantataExchangeRate(*pair, rate, _RATES_SINCE) for pair, rate in RATES.items()],
            custom_fields=[KantataField(name, kind) for name, kind in FIELDS.items()],
            seed=seed,
            name=firm.name,
            currency=home.currency,
            time_zone=home.time_zone,
        )

    def token(self, email: str) -> str:
        return self._credentials.of("kantata", email)

    def _hub(self) -> KantataUser:
        return KantataUser(HUB, "Tieout Hub", permission="administrator", headline="Integration", token=self.token(HUB))

    def _user(self, person: Colleague) -> KantataUser:
        """Partners and leads see every project of the account, everybody else those they take part in."""
        return KantataUser(
            person.email,
            person.name,
            personnel_number=person.number,
            role=person.role,
            permission="administrator" if person.approves or person.sells else "collaborator",
            bill_rate=self._rates[person.entity].get(person.role, Decimal(0)),
            cost_rate=person.cost_rate,
            headline=person.role,
            token=self.token(person.email),
        )


def _rate_cards(firm: KestrelFirm) -> list[KantataRateCard]:
    return [
        KantataRateCard(each.name, each.currency, [RateVersion(one.valid_from, one.rates) for one in each.versions])
        for each in firm.rate_cards
    ]


def _templates(firm: KestrelFirm) -> list[KantataTemplate]:
    return [
        KantataTemplate(
            each.code,
            [
                *(TemplateTask(task.name, task.role, task.hours) for task in each.tasks),
                *(TemplateTask(name, kind="milestone") for name in each.milestones),
            ],
            description=each.name,
        )
        for each in firm.packages
    ]
