"""Founds the firm's companies in an empty ERP: books, years, taxes, dimensions and services, over the ERP's own API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tieout.connectors.tryton.client import TrytonClient
from tieout.sandbox.firm import Department, Entity, KestrelFirm
from tieout.sandbox.tryton import billing

YEARS = (2025, 2026, 2027)
ANALYTIC_ROOT = "Practice"
PAYMENT_METHOD = "Bank transfer"
_CURRENCIES = {
    "USD": ("US Dollar", "$", "840", Decimal(1)),
    "EUR": ("Euro", "€", "978", Decimal("0.92")),
}
_COUNTRIES = {"US": ("United States", "USA"), "DE": ("Germany", "DEU")}
# Codes of the universal chart of accounts that every Tryton has.
_KNOWN_ACCOUNTS = {"cash": "1.1.1", "tax": "2.2.3", "revenue": "4.2.2", "expense": "5.1.3"}
_KINDS = ("receivable", "payable")


@dataclass(frozen=True, slots=True)
class Company:
    """A founded company by its record ids."""

    id: int
    accounts: Mapping[str, int]
    tax: int


@dataclass(frozen=True, slots=True)
class Books:
    """What the founding made: companies by entity code."""

    companies: Mapping[str, Company]


async def found(erp: TrytonClient, firm: KestrelFirm) -> Books:
    """The user must be the ERP's administrator; it joins every company that it founds."""
    currencies = await _currencies(erp)
    countries = await _countries(erp)
    await _payment_terms(erp, firm.payment_terms)
    companies: dict[str, Company] = {}
    for entity in firm.entities:
        company = await _company(erp, entity, currencies[entity.currency], countries[entity.country])
        await _years(erp, company.id)
        await _payment_method(erp, company)
        await _dimensions(erp, company.id, firm.departments)
        companies[entity.code] = company
    await _services(erp, firm, companies)
    await _other_products(erp, companies)
    await billing.introduce(erp, firm.entities, {code: (each.id, each.accounts) for code, each in companies.items()})
    await _finish_first_run(erp)
    return Books(companies)


async def _currencies(erp: TrytonClient) -> dict[str, int]:
    rows = [
        {
            "name": name, "symbol": symbol, "code": code, "numeric_code": number, "rounding": Decimal("0.01"), "digits": 2,
            "rates": _children({"date": date(YEARS[0], 1, 1), "rate": rate}),
        }
        for code, (name, symbol, number, rate) in _CURRENCIES.items()
    ]  # fmt: skip
    return dict(zip(_CURRENCIES, await erp.create("currency.currency", rows), strict=True))


async def _countries(erp: TrytonClient) -> dict[str, int]:
    rows = [{"name": name, "code": code, "code3": code3} for code, (name, code3) in _COUNTRIES.items()]
    return dict(zip(_COUNTRIES, await erp.create("country.country", rows), strict=True))


async def _payment_terms(erp: TrytonClient, terms: Mapping[str, int]) -> None:
    def lines(days: int) -> dict[str, Any]:
        deltas = {"relativedeltas": _children({"days": days})} if days else {}
        return {"type": "remainder", **deltas}

    rows = [{"name": name, "lines": _children(lines(days))} for name, days in terms.items()]
    await erp.create("account.invoice.payment_term", rows)


async def _company(erp: TrytonClient, entity: Entity, currency: int, country: int) -> Company:
    address = {"city": entity.city, "country": country}
    (party,) = await erp.create("party.party", [{"name": entity.name, "addresses": _children(address)}])
    (company,) = await erp.create(
        "company.company", [{"party": party, "currency": currency, "timezone": entity.time_zone}]
    )
    # The administrator works in the newest company; its context has to be read again.
    user = await erp.only("res.user", [["login", "=", erp.user]], ["id"])
    assert user is not None
    await erp.write(
        "res.user", [user["id"]], {"companies": [["add", [company]]], "company": company, "company_filter": "all"}
    )
    await erp.log_in()
    accounts = await _chart(erp, company)
    tax = {
        "name": entity.tax.name, "description": entity.tax.name, "company": company, "type": "percentage",
        "rate": entity.tax.rate, "invoice_account": accounts["tax"], "credit_note_account": accounts["tax"],
    }  # fmt: skip
    (tax_id,) = await erp.create("account.tax", [tax])
    more = await billing.prepare(erp, entity, company, accounts)
    return Company(company, {**accounts, **more}, tax_id)


async def _chart(erp: TrytonClient, company: int) -> dict[str, int]:
    """Drives the wizard of the web client: the chart first, then its default accounts."""
    template = await _xml_id(erp, "account", "account_template_root_en")
    forms: dict[str, Any] = {"start": {}, "account": {"account_template": template, "company": company}}
    wizard = "wizard.account.create_chart"
    session, _, _ = await erp.call(f"{wizard}.create")
    await erp.call(f"{wizard}.execute", session, forms, "create_account")
    accounts = {kind: await _account(erp, company, [f"type.{kind}", "=", True]) for kind in _KINDS}
    accounts |= {name: await _account(erp, company, ["code", "=", code]) for name, code in _KNOWN_ACCOUNTS.items()}
    forms["properties"] = {
        "company": company,
        "account_receivable": accounts["receivable"],
        "account_payable": accounts["payable"],
        "category_account_expense": accounts["expense"],
        "category_account_revenue": accounts["revenue"],
    }
    await erp.call(f"{wizard}.execute", session, forms, "create_properties")
    await erp.call(f"{wizard}.delete", session)
    return accounts


async def _account(erp: TrytonClient, company: int, condition: Sequence[Any]) -> int:
    rows = await erp.search(
        "account.account", [condition, ["company", "=", company], ["closed", "!=", True]], ["id"], limit=1
    )
    return rows[0]["id"]


async def _years(erp: TrytonClient, company: int) -> None:
    """Fiscal years with monthly periods; invoices and credit notes have gapless numbers, counted per year."""
    moves = await _xml_id(erp, "account", "sequence_type_account_move")
    invoices = await _xml_id(erp, "account_invoice", "sequence_type_account_invoice")
    sequences: list[dict[str, Any]] = []
    for year in YEARS:
        sequences += [
            {"name": f"Moves {year}", "sequence_type": moves, "company": company},
            {"name": f"Invoices {year}", "sequence_type": invoices, "company": company, "prefix": f"INV-{year}-", "padding": 5},
            {"name": f"Credit notes {year}", "sequence_type": invoices, "company": company, "prefix": f"CN-{year}-", "padding": 5},
        ]  # fmt: skip
    made = await erp.create("ir.sequence.strict", sequences)
    years: list[dict[str, Any]] = []
    for place, year in enumerate(YEARS):
        move, invoice, credit = made[place * 3 : place * 3 + 3]
        numbering = {
            "company": company, "out_invoice_sequence": invoice, "in_invoice_sequence": invoice,
            "out_credit_note_sequence": credit, "in_credit_note_sequence": credit,
        }  # fmt: skip
        years.append({
            "name": str(year), "company": company, "move_sequence": move, "start_date": date(year, 1, 1),
            "end_date": date(year, 12, 31), "invoice_sequences": _children(numbering),
        })  # fmt: skip
    await erp.call("model.account.fiscalyear.create_period", await erp.create("account.fiscalyear", years))


async def _payment_method(erp: TrytonClient, company: Company) -> None:
    rows = await erp.search("account.journal", [["type", "=", "cash"]], ["id"], limit=1)
    cash = company.accounts["cash"]
    method = {
        "name": PAYMENT_METHOD,
        "company": company.id,
        "journal": rows[0]["id"],
        "credit_account": cash,
        "debit_account": cash,
    }
    await erp.create("account.invoice.payment.method", [method])


async def _dimensions(erp: TrytonClient, company: int, departments: Sequence[Department]) -> None:
    """The analytic dimension: a root, and below it one account per department."""
    (root,) = await erp.create(
        "analytic_account.account", [{"name": ANALYTIC_ROOT, "type": "root", "company": company}]
    )
    leaf = {"type": "normal", "root": root, "parent": root, "company": company}
    await erp.create(
        "analytic_account.account", [{"name": each.name, "code": each.code, **leaf} for each in departments]
    )


async def _services(erp: TrytonClient, firm: KestrelFirm, companies: Mapping[str, Company]) -> None:
    """One product per role, sold by the hour. Accounts, taxes and prices belong to a category, in each company its own."""
    first, *others = firm.entities
    home = companies[first.code]
    taxes = [each.tax for each in companies.values()]
    category = {
        "name": "Consulting", "accounting": True, "account_revenue": home.accounts["revenue"],
        "account_expense": home.accounts["expense"], "customer_taxes": [["add", taxes]],
    }  # fmt: skip
    context = {"company": home.id}
    (category_id,) = await erp.create("product.category", [category], context=context)
    hour = await _xml_id(erp, "product", "uom_hour")
    prices = {entity.code: firm.card(entity.code).on(firm.story.first_day).rates for entity in firm.entities}
    products = [
        {
            "name": role, "code": _code(role), "type": "service", "default_uom": hour, "list_price": prices[first.code][role],
            "account_category": category_id, "products": _children({}),
        }
        for role in firm.roles
    ]  # fmt: skip
    made = dict(zip(firm.roles, await erp.create("product.template", products, context=context), strict=True))
    for entity in others:
        company = companies[entity.code]
        context = {"company": company.id}
        accounts = {"account_revenue": company.accounts["revenue"], "account_expense": company.accounts["expense"]}
        await erp.write("product.category", [category_id], accounts, context=context)
        for role, product in made.items():
            await erp.write("product.template", [product], {"list_price": prices[entity.code][role]}, context=context)


async def _other_products(erp: TrytonClient, companies: Mapping[str, Company]) -> None:
    unit = await _xml_id(erp, "product", "uom_unit")
    taxes = [each.tax for each in companies.values()]
    own = [(each.id, each.accounts, each.accounts["expense"]) for each in companies.values()]
    await billing.other_products(erp, unit, taxes, own)


async def _finish_first_run(erp: TrytonClient) -> None:
    """The web client would greet everybody with set-up questions that are answered now."""
    open_items = await erp.search("ir.module.config_wizard.item", [["state", "=", "open"]], ["id"])
    await erp.write("ir.module.config_wizard.item", [each["id"] for each in open_items], {"state": "done"})


async def _xml_id(erp: TrytonClient, module: str, name: str) -> int:
    return await erp.call("model.ir.model.data.get_id", module, name)


def _code(role: str) -> str:
    return "ROLE-" + role.upper().replace(" ", "-")


def _children(*values: Mapping[str, Any]) -> list[Any]:
    """Tryton's way to say: these rows, below the one that is being made."""
    return [["create", list(values)]]
