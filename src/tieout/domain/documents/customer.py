"""The customer and its contacts, as the ledger needs to know them."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tieout.domain.documents.document import Document, Part


class Address(Part):
    """A postal address; `country` is ISO 3166-1 alpha-2."""

    street: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""


class TaxId(Part):
    """A tax registration: `type` names the register (us_ein, eu_vat …), `code` is the number without decoration."""

    type: str
    code: str


class Contact(Document):
    """A person at the customer."""

    kind: ClassVar[str] = "contact"

    name: str
    email: str = ""
    role: str = ""


class Customer(Document):
    """Who pays. `parent` is the key of the customer above it; `aliases` are names it was known by."""

    kind: ClassVar[str] = "customer"

    name: str
    address: Address = Address()
    tax_id: TaxId | None = None
    payment_terms: str = ""
    parent: str | None = None
    aliases: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    email: str = ""
    source_id: str = Field(description="The record in the CRM that this customer was read from")
