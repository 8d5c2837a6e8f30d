"""A mapping is a table: each field has its source, its conversion and its trail."""

from __future__ import annotations

import pytest

from tieout.domain.mapping import Field, MappingTable, apply, as_is, at, text

TABLE = MappingTable(
    "crm.deal",
    3,
    (Field("name", "Name", text), Field("customer.name", "Account.Name", text), Field("amount", "Amount", int)),
)


def test_each_field_says_where_it_came_from() -> None:
    mapped = apply(TABLE, {"Name": " Deal ", "Account": {"Name": "Globex"}, "Amount": "7"})
    assert mapped.values == {"name": "Deal", "customer": {"name": "Globex"}, "amount": 7}
    assert mapped.trail["customer.name"] == {"source": "Account.Name", "mapping": "crm.deal@3"}


def test_an_absent_text_is_empty_and_never_null() -> None:
    mapped = apply(MappingTable("t", 1, TABLE.fields[:2]), {"Account": None})
    assert mapped.values == {"name": "", "customer": {"name": ""}}


def test_a_value_that_cannot_be_converted_is_named_with_field_and_source() -> None:
    with pytest.raises(ValueError, match=r"crm\.deal@3: Amount is 'seven', no good for amount"):
        apply(TABLE, {"Amount": "seven"})


def test_a_path_through_something_that_is_no_record_leads_nowhere() -> None:
    assert at({"Account": "Globex"}, "Account.Name") is None


def test_the_firms_own_field_takes_the_place_of_the_default() -> None:
    own = TABLE.with_sources({"name": "Title__c"})
    assert apply(own, {"Title__c": "Ours", "Name": "Theirs", "Amount": 1}).values["name"] == "Ours"


def test_a_field_that_the_document_does_not_know_becomes_an_extension() -> None:
    own = TABLE.with_sources({"region": "Region__c"})
    assert apply(own, {"Region__c": "EMEA", "Amount": 1}).values["extensions"] == {"region": "EMEA"}


def test_a_table_sets_no_field_twice() -> None:
    with pytest.raises(ValueError, match=r"sets \['name'\] twice"):
        MappingTable("t", 1, (Field("name", "A"), Field("name", "B")))


def test_a_value_passes_unchanged_when_nothing_converts_it() -> None:
    value = object()
    assert as_is(value) is value
