"""Customers in the real ERP: made once, kept current, recognised, and refused with everything that is wrong at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from tieout.connectors.contract import AlreadyThere, Receipt, Write
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.connector import Tryton
from tieout.domain.documents.customer import Address, Customer, TaxId
from tieout.domain.problems import Rejected
from tieout.sandbox import firm
from tieout.sandbox.tryton.server import TrytonServer

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.loopback]
LogIn = Callable[..., TrytonClient]


def creating(customer: Customer) -> Write:
    return Write("customer.create", customer.key, "1", customer.body())


async def parties(erp: TrytonServer, log_in: LogIn, code: str, *fields: str) -> list[dict[str, Any]]:
    return await log_in(erp.tenancy.admin).search("party.party", [["code", "=", code]], ["name", *fields])


async def test_a_customer_arrives_with_address_tax_id_mail_and_terms(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any
) -> None:
    customer = papers.customer()
    made = await us.send("customer.create", await us.prepare(creating(customer)))
    (party,) = await parties(
        erp, log_in, customer.key, "customer_payment_term.name", "addresses.city", "addresses.country.code",
        "tax_identifier.code", "contact_mechanisms.value",
    )  # fmt: skip
    assert made == Receipt(str(party["id"]))
    assert party["customer_payment_term."]["name"] == "Net 30"
    assert [(each["city"], each["country."]["code"]) for each in party["addresses."]] == [("San Francisco", "US")]
    assert party["tax_identifier."]["code"] == "91-1144442"
    assert [each["value"] for each in party["contact_mechanisms."]] == ["ap@globex.example"]


async def test_sending_the_same_bytes_again_is_refused_and_what_is_there_is_found(us: Tryton, papers: Any) -> None:
    write = creating(papers.customer())
    request = await us.prepare(write)
    made = await us.send(write.operation, request)
    with pytest.raises(AlreadyThere, match="must be unique"):
        await us.send(write.operation, request)
    assert await us.find(write) == made


async def test_a_customer_that_is_not_there_is_not_found(us: Tryton, papers: Any) -> None:
    assert await us.find(creating(papers.customer())) is None


async def test_two_hubs_at_the_same_moment_make_one_customer(
    us: Tryton, connect: Callable[..., Tryton], erp: TrytonServer, log_in: LogIn, papers: Any, perform: Any
) -> None:
    write, receipts = creating(papers.customer()), []

    async def one(hub: Tryton) -> None:
        receipts.append(await perform(hub, write))

    async with anyio.create_task_group() as group:
        for hub in (us, connect("US"), connect("DE")):
            group.start_soon(one, hub)
    assert len(await parties(erp, log_in, write.subject)) == 1
    assert len({each.id for each in receipts}) == 1


async def test_the_erp_takes_every_customer_of_the_firm(us: Tryton, number: int, papers: Any, perform: Any) -> None:
    for place, company in enumerate(firm.load().customers):
        customer = papers.customer(
            key=f"CUS-K{number}-{place}",
            name=company.name,
            address=Address(city=company.city, street=company.street, country=company.country),
            tax_id=TaxId(type=company.tax_id.type, code=company.tax_id.code),
        )
        assert (await perform(us, creating(customer))).id


async def test_everything_that_the_erp_lacks_is_told_at_once_and_nothing_is_made(us: Tryton, papers: Any) -> None:
    customer = papers.customer(payment_terms="Net 45", address=Address(city="Nowhere", country="ZZ"))
    with pytest.raises(Rejected) as refused:
        await us.prepare(creating(customer))
    assert [each.quote for each in refused.value.problems] == [
        "Tryton has no payment term “Net 45”",
        "Tryton has no country ZZ",
    ]
    assert await us.find(creating(customer)) is None


async def test_a_wrong_tax_id_is_refused_in_the_erps_own_words(us: Tryton, papers: Any) -> None:
    customer = papers.customer(tax_id=TaxId(type="eu_vat", code="DE123456789"))
    with pytest.raises(Rejected) as refused:
        await us.send("customer.create", await us.prepare(creating(customer)))
    (problem,) = refused.value.problems
    assert problem.code == "target.refused"
    assert problem.facts["subject"] == customer.key
    assert problem.quote.startswith('The European VAT Number "DE123456789"')


async def test_an_update_made_twice_changes_the_same_parts(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any, customer: str
) -> None:
    document = papers.customer(
        name="Globex International",
        payment_terms="Net 14",
        email="pay@globex.example",
        address=Address(street="1 Infinite Loop", city="Cupertino", postal_code="95014", country="US"),
        tax_id=TaxId(type="us_ein", code="12-3456789"),
    )
    write = Write("customer.update", document.key, "2", document.body(), {"record": customer})
    request = await us.prepare(write)
    assert await us.send(write.operation, request) == await us.send(write.operation, request) == await us.find(write)
    (party,) = await parties(
        erp, log_in, document.key, "addresses.city", "identifiers.code", "contact_mechanisms.value",
        "customer_payment_term.name",
    )  # fmt: skip
    assert party["name"] == "Globex International"
    assert [each["city"] for each in party["addresses."]] == ["Cupertino"]
    assert [each["code"] for each in party["identifiers."]] == ["12-3456789"]
    assert [each["value"] for each in party["contact_mechanisms."]] == ["pay@globex.example"]
    assert party["customer_payment_term."]["name"] == "Net 14"


async def test_an_update_of_a_customer_that_is_gone_is_refused(us: Tryton, papers: Any) -> None:
    document = papers.customer()
    write = Write("customer.update", document.key, "2", document.body(), {"record": "999999"})
    with pytest.raises(Rejected, match="refused to update the customer"):
        await us.send(write.operation, await us.prepare(write))


async def test_a_customer_of_finance_is_recognised_by_its_tax_id_however_it_is_written(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any
) -> None:
    finance = log_in(erp.tenancy.clerk("DE"))
    identifier = {"type": "eu_vat", "code": "DE129273398"}
    name = f"Bergmann {papers.number}"
    (made,) = await finance.create("party.party", [{"name": name, "identifiers": [["create", [identifier]]]}])
    sought = papers.customer(name="Somebody Else", tax_id=TaxId(type="eu_vat", code="de 129 273 398"))
    known = [each for each in await us.candidates(sought, []) if each.id == str(made)]
    assert [(each.name, each.tax_id) for each in known] == [(name, "DE129273398")]


@pytest.mark.parametrize("spelled", ["müller & weiß GmbH {}", "MÜLLER  &  WEISS GMBH {}", "Old Name {}"])
async def test_a_customer_of_finance_is_recognised_by_name_or_alias(
    us: Tryton, erp: TrytonServer, log_in: LogIn, papers: Any, spelled: str
) -> None:
    finance = log_in(erp.tenancy.clerk("DE"))
    names = [f"Müller & Weiß GmbH {papers.number}", f"Old name {papers.number}", f"Müller & Weiß GmbH {papers.number}0"]
    made = await finance.create("party.party", [{"name": name} for name in names])
    sought = papers.customer(name="New Name", tax_id=None, aliases=(spelled.format(papers.number),))
    assert [each.id for each in await us.candidates(sought, [])] == [str(made[1 if "Old" in spelled else 0])]


async def test_a_percent_sign_in_a_name_matches_itself_alone(us: Tryton, papers: Any, perform: Any) -> None:
    await perform(us, creating(papers.customer()))
    sought = papers.customer(name=f"{papers.number}%", tax_id=None)
    assert await us.candidates(sought, ["%", "_"]) == []
