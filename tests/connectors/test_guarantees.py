"""The page for finance says what the connectors declare, and nothing can be left out of it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.contract import notebook

from tieout.connectors.catalogue import CATALOGUE
from tieout.connectors.contract import Claim, Guarantee, Operation
from tieout.connectors.guarantees import page

FILE = Path(__file__).parents[2] / "docs" / "guarantees.md"


def test_the_committed_page_is_what_the_connectors_declare() -> None:
    assert FILE.read_text("utf-8") == page(), "python -m tieout.connectors.guarantees docs/guarantees.md"


def test_every_write_of_every_connector_has_its_row() -> None:
    told = re.findall(r"\(`([a-z_.]+)`\)", page())
    assert told == [name for spec in CATALOGUE.values() for name in spec.writes]


def test_another_declaration_is_another_page() -> None:
    """Saboteur: a page that says class C for what the code calls D."""
    tryton = CATALOGUE["tryton"]
    better = {
        name: replace(each, guarantee=Guarantee.UNIQUE) if each.guarantee is Guarantee.LOOK_UP else each
        for name, each in tryton.writes.items()
    }
    specs = [replace(each, writes=better) if each is tryton else each for each in CATALOGUE.values()]
    assert page(specs) != FILE.read_text("utf-8")


def test_a_row_says_what_nobody_can_undo_and_how_long_a_key_is_known() -> None:
    told = page([notebook.SPEC])
    assert "| pay for the note (`note.pay`) | A, 20 h | entry | **at once** | ask for the money back |" in told
    assert "*cannot be undone* |" in page([CATALOGUE["tryton"]])


@pytest.mark.parametrize("word", ["creates", "money", "undo"])
def test_an_operation_that_leaves_a_word_out_cannot_be_made(word: str) -> None:
    said: dict[str, Any] = {"creates": "note", "money": Claim.UNTOUCHED, "undo": ""}
    del said[word]
    with pytest.raises(TypeError, match=word):
        Operation("note.put", Guarantee.UPSERT, "keep the note", **said)


def test_the_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page()):
        assert (FILE.parent / link).exists(), link
