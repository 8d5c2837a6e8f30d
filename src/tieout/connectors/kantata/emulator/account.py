"""The emulated account as one value: its records, its people, and the ASGI application that speaks for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.applications import Starlette

from tieout.connectors.kantata.emulator.administration import Administration
from tieout.connectors.kantata.emulator.answers import Answers
from tieout.connectors.kantata.emulator.catalogue import CATALOGUE
from tieout.connectors.kantata.emulator.events import Events
from tieout.connectors.kantata.emulator.failures import Flaw, Refusal, too_many
from tieout.connectors.kantata.emulator.founding import (
    KantataExchangeRate,
    KantataField,
    KantataRateCard,
    KantataTemplate,
    KantataUser,
    add_category,
    add_exchange_rate,
    add_field,
    add_rate_card,
    add_role,
    add_template,
    add_user,
    found_account,
)
from tieout.connectors.kantata.emulator.limits import Limits
from tieout.connectors.kantata.emulator.oauth import Application, OAuth
from tieout.connectors.kantata.emulator.records import Records
from tieout.connectors.kantata.emulator.resources import Resources
from tieout.connectors.kantata.emulator.rules.approvals import Resolutions, Submissions
from tieout.connectors.kantata.emulator.rules.billing import Attachments, BillingMilestones, StoryStateChanges
from tieout.connectors.kantata.emulator.rules.invoices import Invoices
from tieout.connectors.kantata.emulator.rules.lines import Expenses, TimeAdjustments, TimeEntries
from tieout.connectors.kantata.emulator.rules.linking import CustomFields, CustomFieldValues, References
from tieout.connectors.kantata.emulator.rules.people import Administered, Memberships, RateCards, SetVersions, Users
from tieout.connectors.kantata.emulator.rules.planning import (
    Allocations,
    Assignments,
    Groups,
    ProjectResources,
    Stories,
)
from tieout.connectors.kantata.emulator.rules.projects import Participations, Workspaces
from tieout.connectors.kantata.emulator.rules.rule import Rule
from tieout.connectors.kantata.emulator.rules.templates import TemplateResources, Templates
from tieout.connectors.kantata.emulator.storage import Storage
from tieout.connectors.kantata.emulator.web import Web
from tieout.connectors.kantata.emulator.wire import write_json


def _words(refusal: Refusal) -> tuple[str, bytes]:
    return "application/json", write_json(refusal.body())


# How this vendor words the failures that a fault proxy in front of it invents: kind or status → (media type, body).
FAULT_BODIES: Mapping[str, tuple[str, bytes]] = {
    "401": _words(Refusal(401, Flaw("oauth", "Invalid OAuth 2 Request"))),
    "429": _words(too_many()),
    "500": ("text/html", b"<html><body><h1>We're sorry, but something went wrong.</h1></body></html>"),
    "503": _words(Refusal(503, Flaw("system", "Service is unavailable. Please try again later."))),
    "error_in_200": _words(Refusal(200, Flaw("system", "Something went wrong while processing your request."))),
}


class KantataAccount:
    """One account. `clock` is the account's time and may stand still or jump; with `state` the account continues from
    that SQLite file, and what it is founded with is added where it is missing.

    The first of `users` should be an administrator. Times are answered in `time_zone`. `seconds` is the real time that
    limits are counted in. `public_url` may be set once the port is known.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        users: Sequence[KantataUser],
        state: Path | None = None,
        roles: Sequence[str] = (),
        templates: Sequence[KantataTemplate] = (),
        rate_cards: Sequence[KantataRateCard] = (),
        custom_fields: Sequence[KantataField] = (),
        exchange_rates: Sequence[KantataExchangeRate] = (),
        expense_categories: Sequence[str] = (),
        applications: Sequence[Application] = (),
        public_url: str = "",
        seed: int = 0,
        name: str = "Sandbox",
        currency: str = "USD",
        time_zone: str = "America/Los_Angeles",
        largest_page: int = 200,
        requests_per_minute: int | None = None,
        own_per_minute: int | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.public_url = public_url
        self._storage = Storage(state)
        self.records = Records(CATALOGUE, clock, self._storage)
        self._oauth = OAuth(self.records, tuple(applications), seed)
        with self.records.request():
            found_account(self.records, name)
            people = [add_user(self.records, each) for each in users]
            for role in roles:
                add_role(self.records, role)
            for card in rate_cards:
                add_rate_card(self.records, card)
            for template in templates:
                add_template(self.records, template, people[0])
            for field in custom_fields:
                add_field(self.records, field, people[0])
            for rate in exchange_rates:
                add_exchange_rate(self.records, rate)
            for category in expense_categories:
                add_category(self.records, category)
            for given, row in zip(users, people, strict=True):
                if given.token not in self.records.fact("tokens", {}):
                    self._oauth.grant(row, given.token)
        self.events = Events(self.records, seed)
        rules = _rules(currency)
        answers = Answers(
            CATALOGUE,
            {rule.collection: rule.derive for rule in rules},
            {
                **{rule.collection: rule.visible for rule in rules},
                "subscribed_events": lambda call, row: self.events.visible(row),
            },
            ZoneInfo(time_zone),
            largest_page,
        )
        self._limits = Limits(seconds, requests_per_minute, own_per_minute)
        self._resources = Resources(CATALOGUE, {rule.collection: rule for rule in rules}, answers)

    def asgi(self) -> Starlette:
        """The application; one per account is enough, each has the same records behind it."""
        administration = Administration(self.records, self._oauth, self.events, self._limits)
        return Web(self.records, self._resources, self._oauth, self.events, self._limits, administration).application()

    def token(self, email: str) -> str:
        """The bearer token of a user. Raises LookupError."""
        user = self.records.first("users", email_address=email)
        if user is None:
            raise LookupError(f"no user {email!r}")
        with self.records.request():
            return self._oauth.token_of(user)

    def close(self) -> None:
        self._storage.close()


def _rules(currency: str) -> list[Rule]:
    return [
        Users(), Memberships(), Workspaces(currency), Groups(), Templates(), TemplateResources(), Participations(),
        ProjectResources(), Allocations(), Stories(), Assignments(), TimeEntries(), TimeAdjustments(), Expenses(),
        Submissions("timesheet_submissions", "TimesheetSubmission"),
        Submissions("expense_report_submissions", "ExpenseReportSubmission"),
        Resolutions(), Invoices(), Attachments(), BillingMilestones(), StoryStateChanges(),
        References(), CustomFields(), CustomFieldValues(),
        Administered("roles", deleted_at=None), Administered("vendors", archived=False, in_use=False),
        Administered("expense_categories", taxable=False),
        Administered("rate_card_sets", account_default=False, active_currencies=[]),
        SetVersions("rate_card_set_versions", active=True), RateCards("rate_cards"),
        Administered("rate_card_versions", default_rate=None), Administered("rate_card_roles", rate=0),
    ]  # fmt: skip
