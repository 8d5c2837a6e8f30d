"""The finance clerks: they post what the ERP has as drafts, one after the other, and book the money that comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from tieout.connectors.tryton.errors import TrytonError
from tieout.sandbox.firm import Clerk, KestrelFirm
from tieout.sandbox.story.journal import Act, Journal
from tieout.sandbox.tryton.clerk import Booked, FinanceClerk

_WHERE = "Tryton"
_CENT = Decimal("0.01")
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Instalment:
    """A share of the total that arrives so many working days after the posting."""

    after: int
    share: Decimal


@dataclass(frozen=True, slots=True)
class Objection:
    """On this day, or as soon after as there is an invoice to them, a customer is given back hours of its largest line."""

    on: date
    entity: str
    customer: str
    hours: Decimal
    why: str


OBJECTIONS: Sequence[Objection] = (
    Objection(
        date(2026, 11, 4), "US", "Globex Corporation", Decimal(2), "two hours that Globex wants to see explained"
    ),
)
# The evening on which a month is closed in the books, and any day of that month.
CLOSINGS: Sequence[tuple[date, date]] = ((date(2026, 11, 3), date(2026, 10, 1)),)

# How the customers of an entity pay, invoice by invoice and then from the start again: at once, in two parts, not yet.
HABITS: Sequence[Sequence[Instalment]] = (
    (Instalment(2, Decimal(1)),),
    (Instalment(2, Decimal("0.4")), Instalment(5, Decimal(1))),
    (),
    (Instalment(4, Decimal(1)),),
)


class Finance:
    """Each entity's clerk; without an ERP nobody has anything to do here."""

    def __init__(self, firm: KestrelFirm, desks: Mapping[str, FinanceClerk], journal: Journal) -> None:
        self._firm = firm
        self._desks = desks
        self._journal = journal

    async def act(self, today: date, entity: str) -> None:
        desk = self._desks.get(entity)
        if desk is not None:
            clerk = self._firm.clerk(entity)
            await self._post(today, entity, clerk, desk)
            await self._close(today, entity, clerk, desk)
            await self._give_back(today, entity, desk)
            await self._receive(today, entity, clerk, desk)

    async def _post(self, today: date, entity: str, clerk: Clerk, desk: FinanceClerk) -> None:
        # Of one day by our own key, not by arrival: whose invoice is first must not depend on how fast a hub is.
        for draft in sorted(await desk.drafts(), key=lambda each: (each.invoice_date or date.max, each.reference)):
            try:
                posted = await desk.post(draft.id, today)
            except TrytonError as refused:
                told = f"{draft.reference}: {refused}"
                self._journal.write(f"unposted/{entity}/{draft.id}/{today}", clerk.name, "could not post", told, _WHERE)
                continue
            self._note_posting(entity, clerk, posted)

    async def _close(self, today: date, entity: str, clerk: Clerk, desk: FinanceClerk) -> None:
        for evening, month in CLOSINGS:
            key = f"closed/{entity}/{month}"
            if evening <= today and not self._journal.done(key):
                await desk.close_period(month)
                self._journal.write(key, clerk.name, "closed", f"{month:%B %Y} in the books", _WHERE)

    async def _give_back(self, today: date, entity: str, desk: FinanceClerk) -> None:
        for each in OBJECTIONS:
            key = f"objection/{each.entity}/{each.on}"
            if each.entity != entity or each.on > today or self._journal.done(key):
                continue
            theirs = [one for one in await desk.unpaid() if one.customer_name == each.customer and one.total > 0]
            if not theirs:
                continue
            invoice = theirs[0]
            if not await desk.credits_of(invoice.number):
                largest = max(await desk.lines(invoice.id), key=lambda line: line.amount)
                await self.credit_part(today, entity, invoice.id, {largest.id: each.hours}, each.why)
            self._journal.write(key, each.customer, "objected to", invoice.number, _WHERE, str(invoice.id))

    async def credit_part(
        self, today: date, entity: str, invoice: int, quantities: Mapping[int, Decimal], why: str
    ) -> Booked:
        """A part of a posted invoice, by the quantities of its lines, is taken back by a credit note."""
        credit = await self._desks[entity].credit_partly(invoice, quantities, today, why)
        what = f"{-credit.total} {credit.currency} of {credit.reference}: {why}"
        self._journal.write(
            f"credited/{entity}/{credit.id}", self._firm.clerk(entity).name, "credited", what, _WHERE, str(credit.id)
        )
        return credit

    def _note_posting(self, entity: str, clerk: Clerk, posted: Booked) -> Act:
        what = f"{posted.number}, {posted.total} {posted.currency}"
        return self._journal.write(_posting(entity, posted.id), clerk.name, "posted", what, _WHERE, str(posted.id))

    async def _receive(self, today: date, entity: str, clerk: Clerk, desk: FinanceClerk) -> None:
        for invoice in [each for each in await desk.unpaid() if each.total > 0]:  # credit notes are not paid
            # A posting that a killed sandbox did not live to write down is written down now.
            act = self._journal.done(_posting(entity, invoice.id)) or self._note_posting(entity, clerk, invoice)
            since = _working_days(date.fromisoformat(act.at[:10]), today)
            for instalment in self._habit(entity, act):
                paid = invoice.total - invoice.open_amount
                wanted = (invoice.total * instalment.share).quantize(_CENT, ROUND_HALF_UP)
                if since >= instalment.after and paid < wanted:
                    invoice = await desk.pay(invoice.id, wanted - paid, today)  # noqa: PLW2901 - the same one, later
                    what = f"{wanted - paid} {invoice.currency} for {invoice.number}"
                    key = f"received/{entity}/{invoice.id}/{instalment.after}"
                    self._journal.write(key, clerk.name, "received", what, _WHERE, str(invoice.id))

    def _habit(self, entity: str, posting: Act) -> Sequence[Instalment]:
        postings = [each.key for each in self._journal.acts if each.key.startswith(_posting(entity, ""))]
        return HABITS[postings.index(posting.key) % len(HABITS)]


def _posting(entity: str, invoice: int | str) -> str:
    return f"posted/{entity}/{invoice}"


def _working_days(start: date, end: date) -> int:
    """From Monday to Tuesday is one; weekends do not count."""
    return sum((start + timedelta(days=n)).weekday() < _SATURDAY for n in range(1, (end - start).days + 1))
