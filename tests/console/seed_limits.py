"""What the day has beneath limits: of two contracts, of a customer, with two payers; and work that others lent."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tieout.domain.documents.terms import Cap
from tieout.domain.identity import Ref, business_key
from tieout.domain.lending import prices
from tieout.domain.paying import Payer, SplitBilling
from tieout.domain.spanning import SpanningCap
from tieout.domain.values import ValueRow
from tieout.store import firm, lending

if TYPE_CHECKING:
    from tests.console.seed import Day

GLOBEX, INITECH = (
    business_key("CUS", Ref("salesforce", "customer", each)) for each in ("Globex Corporation", "Initech LLC")
)
CAPS = (
    SpanningCap(
        name="Globex 2026", customer=GLOBEX, hours=Decimal(200), since=date(2026, 1, 1), notice_at=Decimal("0.5")
    ),
)
PAYERS = (
    SplitBilling(
        customer=GLOBEX, rest=GLOBEX,
        payers=(Payer(customer=GLOBEX, share=Decimal("0.6")), Payer(customer=INITECH, share=Decimal("0.4"), amount=Decimal(30000))),
    ),
)  # fmt: skip


def caps_of(deal: str, amount: Decimal) -> tuple[Cap, ...]:
    """Of one deal in each legal entity."""
    if deal.startswith(("Globex Data Platform", "Bergmann Close Accelerator")):
        return (Cap(key="NTE", amount=amount, notice_at=Decimal("0.75")),)
    return ()


async def seed_lent(day: Day, name: str, lender: str) -> None:
    """The last entries of a deal are a subcontractor's; the work of the first of them is on a bill."""
    deal = day.deals[name]
    found = await (
        await day.tx.execute(
            "select source_id, work_date from time_entry where engagement = %s and state = 'approved'"
            " order by work_date desc, source_id limit 3",
            (deal.key,),
        )
    ).fetchall()
    ids, days = zip(*(dict(each).values() for each in found), strict=True)
    person, at = f"X-{lender}", day.now - timedelta(days=1)
    await day.tx.execute(
        "update time_entry set lender_kind = 'vendor', lender = %s, person = %s where source_id = any(%s)",
        (lender + day.canary, person + day.canary, list(ids)),
    )
    rate = ValueRow(
        "subcontractor_rate", person + day.canary, f"95.00 {deal.currency}", author="carlos.mendes@kestrel.example"
    )
    await firm.set_value(day.tx, rate, now=at)
    await lending.match(
        day.tx, prices(await firm.values(day.tx)), kind="vendor", lender=lender + day.canary, number="B-17", through=min(days),
        currency=deal.currency, amount=Decimal("800.00"), actor="carlos.mendes@kestrel.example", now=at,
    )  # fmt: skip
