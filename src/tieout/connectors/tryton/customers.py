"""Customers as Tryton's parties: made once under our key, kept current, and recognised when finance has them already."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tieout.connectors.contract import Claim, Guarantee, Operation, Receipt, Write
from tieout.connectors.tryton import lengths
from tieout.connectors.tryton.books import Books
from tieout.connectors.tryton.client import Row
from tieout.connectors.tryton.handling import Handler, as_json, creating, standing
from tieout.connectors.tryton.telling import Attempt, reading, writing
from tieout.domain.documents.customer import Customer, TaxId
from tieout.domain.matching import Known, plain

PARTY = "party.party"
_READ = ("name", "code", "identifiers.code", "tax_identifier.code")


async def _prepare_create(books: Books, write: Write, attempt: Attempt) -> bytes:
    customer = Customer.model_validate(dict(write.body))
    terms, country = await _looked_up(books, customer, attempt)
    values: Row = {
        "code": customer.key,
        "name": customer.name,
        "addresses": [["create", [_address(customer, country)]]],
    }
    if customer.tax_id is not None:
        values["identifiers"] = [["create", [_identifier(customer.tax_id)]]]
    if customer.email:
        values["contact_mechanisms"] = [["create", [{"type": "email", "value": customer.email}]]]
    if terms is not None:
        values["customer_payment_term"] = terms
    return await creating(books, PARTY, [values])


async def _create(books: Books, request: bytes, attempt: Attempt) -> Receipt:
    with writing(attempt):
        (made,) = await books.client.send(request)
    return Receipt(str(made))


async def _find(books: Books, write: Write) -> Receipt | None:
    row = await books.client.only(PARTY, [["code", "=", write.subject]], ["id"])
    return Receipt(str(row["id"])) if row else None


async def _prepare_update(books: Books, write: Write, attempt: Attempt) -> bytes:
    """What shall be true of an existing party; what the document does not say is left alone."""
    customer = Customer.model_validate(dict(write.body))
    terms, country = await _looked_up(books, customer, attempt)
    address = customer.address
    return as_json({
        "record": int(write.ids["record"]),
        "party": {"name": customer.name} | ({"customer_payment_term": terms} if terms is not None else {}),
        "address": _address(customer, country) if address.city or address.street else None,
        "identifier": _identifier(customer.tax_id) if customer.tax_id is not None else None,
        "email": customer.email or None,
    })  # fmt: skip


async def _update(books: Books, request: bytes, attempt: Attempt) -> Receipt:
    """Changes the parts that are there and adds those that are not: doing it again changes nothing."""
    wanted = json.loads(request)
    record: int = wanted["record"]
    with reading(attempt):
        rows = await books.client.search(
            PARTY, [["id", "=", record]], ["addresses", "identifiers.type", "contact_mechanisms.type"]
        )
    attempt.refuse([] if rows else [f"Tryton has no party {record}"])
    (party,) = rows
    values: Row = dict(wanted["party"])
    if wanted["address"]:
        values["addresses"] = _part(party["addresses"], wanted["address"])
    if wanted["identifier"]:
        same = [each["id"] for each in party["identifiers."] if each["type"] == wanted["identifier"]["type"]]
        values["identifiers"] = _part(same, wanted["identifier"])
    if wanted["email"]:
        mails = [each["id"] for each in party["contact_mechanisms."] if each["type"] == "email"]
        values["contact_mechanisms"] = _part(mails, {"type": "email", "value": wanted["email"]})
    with writing(attempt):
        await books.client.write(PARTY, [record], values)
    return Receipt(str(record))


HANDLERS = (
    Handler(
        Operation(
            "customer.create",
            Guarantee.UNIQUE,
            "create the customer",
            lengths=lengths.CUSTOMER,
            creates="customer",
            money=Claim.UNTOUCHED,
            undo="deactivate the party; what is booked on it stays",
        ),
        _prepare_create,
        _create,
        _find,
    ),
    Handler(
        Operation(
            "customer.update",
            Guarantee.UPSERT,
            "update the customer",
            lengths=lengths.CUSTOMER,
            creates="",
            money=Claim.UNTOUCHED,
            undo="enter the earlier name, address, tax number, terms and e-mail",
        ),
        _prepare_update,
        _update,
        standing(PARTY),
    ),
)


async def candidates(books: Books, customer: Customer, names: Sequence[str]) -> list[Known]:
    """Parties with the same tax id, then those with one of the names, whatever their case and blanks."""
    found: dict[int, Known] = {}
    bare = plain(customer.tax_id.code) if customer.tax_id is not None else ""
    if bare:
        for row in await books.client.search(PARTY, [["identifiers.code", "ilike", "%".join(bare)]], _READ):
            same = [each["code"] for each in row["identifiers."] if plain(each["code"]) == bare]
            if same:
                found[row["id"]] = Known(str(row["id"]), row["code"] or "", row["name"], same[0])
    wanted = {_folded(each) for each in (customer.name, *customer.aliases, *names) if each.strip()}
    likely = ["OR", *(["name", "ilike", _pattern(each)] for each in sorted(wanted))]
    for row in await books.client.search(PARTY, [likely], _READ):
        if _folded(row["name"]) in wanted:
            its: Row = row.get("tax_identifier.") or {"code": ""}
            found.setdefault(row["id"], Known(str(row["id"]), row["code"] or "", row["name"], its["code"]))
    return list(found.values())


async def _looked_up(books: Books, customer: Customer, attempt: Attempt) -> tuple[int | None, int | None]:
    """Payment term and country of the document as records."""
    missing: list[str] = []
    terms = await books.payment_term(customer.payment_terms) if customer.payment_terms else None
    if customer.payment_terms and terms is None:
        missing.append(f"Tryton has no payment term “{customer.payment_terms}”")
    country = await books.country(customer.address.country) if customer.address.country else None
    if customer.address.country and country is None:
        missing.append(f"Tryton has no country {customer.address.country}")
    attempt.refuse(missing)
    return terms, country


def _address(customer: Customer, country: int | None) -> Row:
    address = customer.address
    return {
        "street": address.street,
        "city": address.city,
        "postal_code": address.postal_code,
        "country": country,
        "invoice": True,
    }


def _identifier(tax_id: TaxId) -> Row:
    """Tryton checks the number of a register it knows; a European number is compared without decoration."""
    code = plain(tax_id.code) if tax_id.type == "eu_vat" else tax_id.code.strip()
    return {"type": tax_id.type, "code": code}


def _part(existing: Sequence[int], values: Mapping[str, Any]) -> list[Any]:
    """Changes the first of the parts, or adds one."""
    return [["write", [existing[0]], dict(values)]] if existing else [["create", [dict(values)]]]


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _pattern(folded: str) -> str:
    """Everything that is the name or might be: databases fold letters beyond ASCII differently, so those match anything."""
    escaped = re.sub(r"([\\%_])", r"\\\1", folded)
    return re.sub(r"[^\x00-\x7f]|ss| ", "%", escaped)
