"""Before a limit is reached: who works under it is told while something can still be agreed (T37)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from tieout.domain.charging.billing import Ledger, limit_text, shared_text
from tieout.domain.charging.charge import Agreement
from tieout.domain.charging.pieces import Piece
from tieout.domain.charging.room import Used
from tieout.domain.problems import Problem


def near_caps(
    agreement: Agreement, ledger: Ledger, pieces: Sequence[Piece], *, project: str, link: str
) -> list[Problem]:
    """One problem for each limit of which the share that the contract names is billed, and that nothing waits above yet."""
    above = {each.why for each in pieces if each.fate in ("over_cap", "write_off", "non_billable")}
    found: list[Problem] = []
    for cap in agreement.limits:
        if cap.notice_at is None or cap.key in above:
            continue
        used = agreement.elsewhere.get(cap.key, Used())
        amount, hours = used.amount, used.hours
        for each in ledger.evidence:
            if cap.spans(each["sold"], each["work_date"]):
                amount, hours = amount + each["amount"], hours + Decimal(each["minutes"]) / 60
        for each in pieces:
            if each.fate == "bill" and cap.spans(each.sold, each.day):
                amount, hours = amount + each.amount.amount, hours + Decimal(each.minutes) / 60
        shares = [
            used / most for used, most in ((amount, cap.amount), (hours, cap.hours)) if most is not None and most > 0
        ]
        share = max(shares, default=Decimal(0))
        if share >= cap.notice_at:
            limit = shared_text(cap, agreement) if cap in agreement.shared else limit_text(cap, agreement.currency)
            facts = {
                "project": project, "cap": limit, "share": f"{share * 100:.0f} %", "link": link,
                "about": f"{cap.key}/near",
            }  # fmt: skip
            found.append(Problem("billing.cap_near", facts))
    return found
