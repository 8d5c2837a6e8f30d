"""Who must accept terms before they hold: finance, and above a limit a second person; each of them somebody else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.package import RateCard
from tieout.domain.firm import Firm
from tieout.domain.rating import rate_on


def acceptances(what: str, firm: Firm, amount: Decimal | None, currency: str) -> list[str]:
    """The titles of the approvals that terms need, one after another: “Finance accepts the terms”."""
    limit = firm.approvals.two_people_above.get(currency)
    second = limit is not None and amount is not None and amount > limit
    return [f"Finance accepts {what}", *([f"A second person accepts {what}"] if second else [])]


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
