"""Stored history stays readable: every older version of a document is lifted to today's."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from tieout.domain.documents.document import Document
from tieout.domain.documents.engagement import Engagement
from tieout.domain.documents.upcast import KINDS, LIFTS, load


class Parcel(Document):
    """A document that is in its third version: first it had pounds, then grams, then a name."""

    kind: ClassVar[str] = "parcel"
    schema_version: ClassVar[int] = 3

    grams: int
    name: str


def in_grams(body: dict[str, Any]) -> dict[str, Any]:
    return {"key": body["key"], "grams": body["pounds"] * 454}


def with_name(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "name": "unknown"}


STEPS = {("parcel", 1): in_grams, ("parcel", 2): with_name}


def parcel(version: int, body: dict[str, Any], steps: Any = STEPS) -> Document:
    return load("parcel", version, body, kinds={"parcel": Parcel}, lifts=steps)


def test_a_document_of_any_older_version_is_lifted_step_by_step() -> None:
    today = Parcel(key="P1", grams=908, name="unknown")
    assert parcel(1, {"key": "P1", "pounds": 2}) == today
    assert parcel(2, {"key": "P1", "grams": 908}) == today
    assert parcel(3, today.body()) == today


def test_a_document_from_the_future_is_refused() -> None:
    with pytest.raises(LookupError, match="written by a newer Tieout"):
        parcel(4, {})


def test_a_missing_step_is_named() -> None:
    with pytest.raises(LookupError, match="nothing lifts parcel from version 1 to 2"):
        parcel(1, {}, steps={("parcel", 2): with_name})


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(LookupError, match="no document kind 'ship'"):
        load("ship", 1, {})


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_lifted_from_its_first_version(kind: str) -> None:
    assert KINDS[kind].kind == kind
    for version in range(1, KINDS[kind].schema_version):
        assert (kind, version) in LIFTS


def test_a_stored_engagement_comes_back_the_same_to_the_last_digit(make_deal: Any) -> None:
    deal: Engagement = make_deal(amount="98000.10")
    again = load("engagement", 1, deal.body())
    assert again == deal
    assert again.fingerprint() == deal.fingerprint()
    assert deal.body()["amount"] == "98000.10"
