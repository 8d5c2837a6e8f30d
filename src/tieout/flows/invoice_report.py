"""How an invoice stands, told to sales and to delivery."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from tieout.domain.acceptance import news
from tieout.domain.documents.billing import Invoice
from tieout.domain.documents.engagement import Engagement
from tieout.domain.invoice_status import status, written_off
from tieout.engine.run import Run
from tieout.systems.systems import Systems


async def report(run: Run, systems: Systems, invoice: Invoice, told: Mapping[str, Any]) -> None:
    """The same facts to sales and to delivery."""
    register = systems.register
    deal = cast(Engagement, await register.engagement(invoice.engagement))
    money = await register.money(deal.key)
    total, open_amount = (Decimal(str(told[name])) for name in ("total", "open_amount"))
    paid = sum((Decimal(str(each["amount"])) for each in told["payments"]), Decimal(0))
    given_up = written_off(told["state"], total, paid, open_amount)
    credited_ = await systems.credits.credited(invoice.key)
    state = status(told["state"], total, paid, credited_, given_up, disputed=bool(told.get("disputed")))
    crm = systems.crm_of(invoice.legal_entity)
    facts = {
        "key": invoice.key,
        "legal_entity": invoice.legal_entity,
        "currency": invoice.currency,
        **{name: told[name] for name in ("number", "invoice_date", "due_date", "net", "tax", "total")},
        "state": state,
        "paid": str(max(paid - await systems.credits.set_against(invoice.key), Decimal(0))),
        "open_amount": told["open_amount"],
    }
    told_account = (deal.bill_to or deal.customer).source_id
    account = await register.record_id("customer", invoice.customer, crm.name) or told_account
    await run.step("invoice in the CRM", crm.show_invoice, invoice.key, facts, account=account, deal=deal.source_id)
    figures = {name: str(money[name]) for name in ("billed", "paid", "unbilled")} | {"invoice_status": state}
    await run.step("figures on the deal", crm.report, deal.source_id, "money", figures)
    if milestones := await register.milestones_of(deal.key):
        await run.step(
            "milestones on the deal", crm.report, deal.source_id, "milestones", {"milestones": news(milestones)}
        )
    psa = systems.psa(invoice.legal_entity)
    record = await register.record_id("project", invoice.project, psa.name)
    if record is not None:
        if len(await register.projects_of(deal.key)) > 1:
            own = await register.money(deal.key, invoice.project)
            figures |= {name: str(own[name]) for name in ("billed", "paid", "unbilled")}
        last = {"last_invoice": told["number"] or invoice.key}
        await run.step("figures on the project", psa.report, invoice.project, record, "money", figures | last)
