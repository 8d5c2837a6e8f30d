"""What is told of Tryton's lengths is what the real one does: no field that the hub writes has a size."""

from __future__ import annotations

import pytest

from tieout.connectors.contract import Write
from tieout.connectors.tryton.connector import HANDLERS, Tryton

from .conftest import Papers, do

pytestmark = [pytest.mark.anyio, pytest.mark.loopback, pytest.mark.tryton]
# Where the texts of a write end up: model → fields.
WRITTEN = {
    "party.party": ("code", "name"),
    "party.identifier": ("code",),
    "party.contact_mechanism": ("value",),
    "party.address": ("street", "city", "postal_code"),
    "project.work": ("number", "name", "comment"),
    "timesheet.line": ("uuid", "description"),
    "account.invoice": ("reference", "description", "comment"),
    "account.invoice.line": ("description",),
}


@pytest.mark.parametrize("model", WRITTEN)
async def test_no_text_has_a_longest_form(us: Tryton, model: str) -> None:
    described = await us._client.call(f"model.{model}.fields_get", [], 0)  # pyright: ignore[reportPrivateUsage]
    assert {name: described[name].get("size") for name in WRITTEN[model]} == dict.fromkeys(WRITTEN[model])


async def test_a_name_of_any_length_arrives_whole(us: Tryton, papers: Papers) -> None:
    assert all(each.most is None for handler in HANDLERS.values() for each in handler.operation.lengths)
    name = f"Gesellschaft für Beratung {papers.number} " * 40 + "mbH"
    wanted = papers.customer(name=name, tax_id=None)
    made = await do(us, Write("customer.create", wanted.key, "1", wanted.body()))
    assert [(each.id, each.name) for each in await us.candidates(wanted, [])] == [(made.id, name)]
