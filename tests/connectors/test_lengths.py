"""Every write says how long its texts may be, and what it says is what the target does."""

from __future__ import annotations

import pytest
from tests.connectors.salesforce.conftest import FIRM

from tieout.connectors.catalogue import installed
from tieout.connectors.contract import Operation
from tieout.connectors.kantata import lengths as kantata
from tieout.connectors.kantata.emulator.rules import linking, planning
from tieout.connectors.lengths import Text
from tieout.connectors.salesforce import reporting
from tieout.connectors.salesforce.emulator.schema import STANDARD, load
from tieout.connectors.salesforce.reporting import ACCOUNT, DEAL, INVOICE, INVOICE_KEY

OPERATIONS = {f"{kind}-{name}": each for kind, spec in installed().items() for name, each in spec.writes.items()}
# They carry states, ids and minutes, and no text of ours.
TEXTLESS = {"tryton-project.update", "tryton-time.correct", "tryton-invoice.withdraw"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_write_declares_its_lengths_and_where_they_are_known_from(name: str) -> None:
    operation: Operation = OPERATIONS[name]
    assert bool(operation.lengths) is (name not in TEXTLESS)
    fields = [each.field for each in operation.lengths]
    assert len(fields) == len(set(fields))
    for each in operation.lengths:
        assert each.source
        assert each.verified or "not published" in each.source
        assert (each.text is Text.NAME) == bool(each.full)
        assert "." not in each.field or each.text is Text.EXACT


def test_what_is_told_of_salesforce_is_what_the_org_describes() -> None:
    schema = load([STANDARD, FIRM])
    places = [
        (reporting.DEAL_LENGTHS, "Opportunity", DEAL),
        (reporting.ACCOUNT_LENGTHS, "Account", ACCOUNT),
        (reporting.INVOICE_LENGTHS, "Invoice__c", {**INVOICE, "key": "Name"}),
    ]
    for lengths, entity, fields in places:
        known = schema[entity].fields
        texts = {name for name, field in fields.items() if known[field].type in ("string", "textarea")}
        assert {each.field for each in lengths} == texts
        assert {each.field: each.most for each in lengths} == {name: known[fields[name]].length for name in texts}
    assert (schema["Invoice__c"].fields[INVOICE_KEY].length or 0) >= 80


def test_what_is_told_of_kantata_is_what_its_emulator_enforces() -> None:
    assert planning.LONGEST_TITLE == kantata.LONGEST_TASK
    assert linking.MOST_TEXT == kantata.LONGEST_TEXT
