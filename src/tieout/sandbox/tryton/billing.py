"""What the ledger needs to bill more than hours: expenses with and without tax, deposits, write-offs, and the firm's own companies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tieout.connectors.tryton.client import TrytonClient
from tieout.sandbox.firm import Entity

# Names of accounts. An expense is recharged as the firm's own service, or passed on in the customer's name.
FEES, PREPAID = "Fees", "Prepaid hours, to be deferred"
RECHARGED = "Expenses recharged"
DISBURSED = "Disbursements passed on"
DEPOSITS = "Customer deposits"
LENT, BORROWED = "Intercompany receivable", "Intercompany payable"
BAD_DEBTS = "Receivables written off"
# Names of what else is used by name.
NOT_TAXED = "Not taxed 0%"
WRITE_OFF = "Write-off"


async def prepare(erp: TrytonClient, entity: Entity, company: int, accounts: Mapping[str, int]) -> dict[str, int]:
    """In one company: accounts, a tax of nothing and a way to write off. Returns the new accounts by name."""
    made = await _accounts(erp, company, accounts)
    tax = {
        "name": NOT_TAXED, "description": f"{NOT_TAXED} ({entity.country})", "company": company, "type": "percentage",
        "rate": Decimal(0), "invoice_account": accounts["tax"], "credit_note_account": accounts["tax"],
    }  # fmt: skip
    await erp.create("account.tax", [tax])
    journals = await erp.search("account.journal", [["type", "=", "write-off"]], ["id"], limit=1)
    method = {"name": WRITE_OFF, "company": company, "journal": journals[0]["id"]}
    lost = {"debit_account": made[BAD_DEBTS], "credit_account": made[BAD_DEBTS]}
    await erp.create("account.move.reconcile.write_off", [{**method, **lost}])
    return made


async def introduce(
    erp: TrytonClient, entities: Sequence[Entity], companies: Mapping[str, tuple[int, Mapping[str, int]]]
) -> None:
    """Each company is a customer and a supplier of the others, with accounts of its own there.

    `companies` are (record id, accounts by name) by entity code.
    """
    for entity in entities:
        party = await erp.only("party.party", [["name", "=", entity.name]], ["id"])
        assert party is not None
        await erp.write("party.party", [party["id"]], {"code": intercompany(entity.code)})
        for other in entities:
            if other is entity:
                continue
            company, accounts = companies[other.code]
            between = {"account_receivable": accounts[LENT], "account_payable": accounts[BORROWED]}
            await erp.write("party.party", [party["id"]], between, context={"company": company})


async def other_products(
    erp: TrytonClient, unit: int, taxes: Sequence[int], companies: Sequence[tuple[int, Mapping[str, int], int]]
) -> None:
    """What is sold beside hours, by the piece. `companies` are (record id, accounts by name, expense account), the first one's own."""
    for name, code, account, taxed in (
        ("Fixed fee", "FIXED-FEE", FEES, True),
        ("Managed service", "MANAGED-SERVICE", FEES, True),
        ("Prepaid hours", "PREPAID-HOURS", PREPAID, True),
        ("Expense, recharged", "EXPENSE-RECHARGED", RECHARGED, True),
        ("Expense, passed on", "EXPENSE-PASSED-ON", DISBURSED, False),
    ):
        category_id = 0
        for company, accounts, expense in companies:
            own = {"account_revenue": accounts[account], "account_expense": expense}
            context = {"company": company}
            if category_id:
                await erp.write("product.category", [category_id], own, context=context)
                continue
            category: dict[str, Any] = {"name": name, "accounting": True, **own}
            if taxed:
                category["customer_taxes"] = [["add", list(taxes)]]
            (category_id,) = await erp.create("product.category", [category], context=context)
            product: dict[str, Any] = {
                "name": name, "code": code, "type": "service", "default_uom": unit, "list_price": Decimal(0),
                "account_category": category_id, "products": [["create", [{}]]],
            }  # fmt: skip
            await erp.create("product.template", [product], context=context)


def intercompany(code: str) -> str:
    """The code of a company of the firm as a customer of the others."""
    return f"IC-{code}"


async def _accounts(erp: TrytonClient, company: int, accounts: Mapping[str, int]) -> dict[str, int]:
    rows = await erp.read("account.account", list(accounts.values()), ["type"])
    types = {name: next(row["type"] for row in rows if row["id"] == id) for name, id in accounts.items()}
    (deposit,) = await erp.create(
        "account.account.type",
        [{"name": DEPOSITS, "company": company, "statement": "balance", "assets": False, "deposit": True}],
    )
    personal = {"reconcile": True, "party_required": True}
    wanted: list[dict[str, Any]] = [
        {"name": FEES, "code": "4.2.5", "type": types["revenue"]},
        {"name": PREPAID, "code": "4.2.6", "type": types["revenue"]},
        {"name": RECHARGED, "code": "4.2.8", "type": types["revenue"]},
        {"name": DISBURSED, "code": "4.2.9", "type": types["revenue"]},
        {"name": DEPOSITS, "code": "2.2.8", "type": deposit, **personal},
        {"name": LENT, "code": "1.2.8", "type": types["receivable"], **personal},
        {"name": BORROWED, "code": "2.1.8", "type": types["payable"], **personal},
        {"name": BAD_DEBTS, "code": "5.1.8", "type": types["expense"]},
    ]
    made = await erp.create("account.account", [{**each, "company": company} for each in wanted])
    return {each["name"]: id for each, id in zip(wanted, made, strict=True)}
