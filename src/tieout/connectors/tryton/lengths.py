"""Tryton's texts have no longest form: no field that the hub writes has a size, in the model or in the database."""

from __future__ import annotations

from tieout.connectors.lengths import unlimited

_SOURCE = "Tryton 8.0: `fields_get` tells no size for these fields"

CUSTOMER = unlimited(
    _SOURCE, "key", "name", "tax_id.code", "email", "address.street", "address.city", "address.postal_code"
)
PROJECT = unlimited(_SOURCE, "key", "name", "po_number", "tasks.key", "tasks.name")
TASK = unlimited(_SOURCE, "key", "name")
TIME = unlimited(_SOURCE, "entries.uuid", "entries.note")
INVOICE = unlimited(_SOURCE, "key", "po_number", "lines.description")
