"""Keys are derived, not counted: the same record has the same key whenever and wherever it is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.identity import Ref, business_key, content_hash, digest, effect_key

names = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)


@given(connection=names, kind=names, id_=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_reference_is_read_back_as_it_was_written(connection: str, kind: str, id_: str) -> None:
    ref = Ref(connection, kind, id_)
    assert Ref.parse(str(ref)) == ref


def test_the_same_record_always_has_the_same_key() -> None:
    ref = Ref("salesforce", "opportunity", "006A0000001")
    assert business_key("ENG", ref) == business_key("ENG", Ref("salesforce", "opportunity", "006A0000001"))
    assert business_key("ENG", ref) != business_key("ENG", Ref("salesforce-2", "opportunity", "006A0000001"))


@given(id_=st.text(st.characters(exclude_categories=["Cs"])))
def test_a_key_can_be_read_out_over_the_telephone(id_: str) -> None:
    prefix, code = business_key("CUS", Ref("crm", "account", id_)).split("-")
    assert prefix == "CUS"
    assert len(code) == 8
    assert not set(code) & set("ILOU")


@given(parts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4))
def test_parts_of_a_digest_are_kept_apart(parts: list[str]) -> None:
    joined = [parts[0] + parts[1], *parts[2:]]
    assert digest(*parts) != digest(*joined)


def test_a_separator_inside_a_part_does_not_forge_another_digest() -> None:
    assert digest("a\x1f", "b") != digest("a", "\x1fb")


def test_an_effect_is_another_one_when_its_version_is() -> None:
    first = effect_key("erp-us", "customer.create", "CUS-1", "1")
    assert first == effect_key("erp-us", "customer.create", "CUS-1", "1")
    assert first != effect_key("erp-us", "customer.create", "CUS-1", "2")


def test_a_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    assert content_hash({"a": 1, "b": [1, 2]}) == content_hash({"b": [1, 2], "a": 1})
    assert content_hash({"b": [1, 2]}) != content_hash({"b": [2, 1]})


def test_a_reference_without_three_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="not enough values"):
        Ref.parse("salesforce/opportunity")
