"""Who must accept terms before they hold: finance, and above a limit a second person; each of them somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.package import RateCard
from tieout.domain.firm import ApprovalGate, Firm
from tieout.domain.money import Money
from tieout.domain.rating import rate_on


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One approval of terms: its title, the addresses of those who may give it (empty is everybody with the right), its gate."""

    title: str
    of: tuple[str, ...] = ()
    gate: str = ""


def acceptances(
    what: str, firm: Firm, amount: Decimal | None, currency: str, *, entity: str, finance: bool = True
) -> list[Acceptance]:
    """The approvals that terms need, one after another: “Finance accepts the terms”. Each is somebody else's to give.

    Without `finance` there is nothing that finance itself must accept, and the gates alone count.
    """
    limit = firm.approvals.two_people_above.get(currency)
    second = limit is not None and amount is not None and amount > limit
    own = [f"Finance accepts {what}", *([f"A second person accepts {what}"] if second else [])] if finance else []
    found = [Acceptance(each) for each in own]
    for gate in _gates(firm, entity, amount, currency):
        people = firm.holds.people(gate.team)
        for number in range(1, gate.people + 1):
            which = f" ({number} of {gate.people})" if gate.people > 1 else ""
            found.append(Acceptance(f"{gate.name} accept {what}{which}", people, gate.name))
    return found


def gate_terms(firm: Firm, amount: Decimal | None, currency: str, *, entity: str) -> list[str]:
    """Why the gates of a contract are there, in words: these are approved with the rest of the terms."""
    return [
        f"{gate.name}: {_above(gate, amount, currency)}{f' for {entity}' if gate.entities else ''}"
        for gate in _gates(firm, entity, amount, currency)
    ]


def _gates(firm: Firm, entity: str, amount: Decimal | None, currency: str) -> list[ApprovalGate]:
    return [each for each in firm.approvals.gates if each.fits(entity, amount, currency)]


def _above(gate: ApprovalGate, amount: Decimal | None, currency: str) -> str:
    limit = gate.amount_above.get(currency)
    if limit is None or amount is None:
        return "every contract"
    return f"{Money(amount, currency)}, more than {Money(limit, currency)}"


def discount_terms(deal: Engagement, firm: Firm, card: RateCard, *, on: date) -> list[str]:
    """Roles that are sold further below the rate card of a day than the firm allows; in words, for they are what is approved."""
    most = firm.approvals.discount_above
    if most is None:
        return []
    terms: list[str] = []
    for line in deal.lines:
        agreed = rate_on(card, line.role, on) if line.role and line.rate else None
        if agreed is None or line.rate >= agreed.amount.amount * (1 - most):
            continue
        share = 1 - line.rate / agreed.amount.amount
        terms.append(f"{line.role} at {line.rate} is {share:.1%} below the rate card, more than {most:.1%}")
    return list(dict.fromkeys(terms))
