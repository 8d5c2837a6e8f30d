"""The short walk of F18: everything that once broke a parser, and some hundred mutations of it, at every parser."""

from __future__ import annotations

from random import Random

import pytest
from faults.bench import Budget
from faults.benches.parsers import run as fuzz
from faults.parsers import CORPUS, PARSERS, mutated
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("name", PARSERS)
def test_what_once_broke_a_parser_breaks_it_no_more(name: str) -> None:
    for each in PARSERS[name].corpus():
        PARSERS[name].feed(each)


@pytest.mark.parametrize("name", PARSERS)
def test_mutations_of_it_are_read_or_refused(name: str) -> None:
    chance, corpus = Random(18), PARSERS[name].corpus()
    for _ in range(150):
        PARSERS[name].feed(mutated(chance, corpus))


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=30, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)))
def test_any_bytes_are_read_or_refused(name: str, hostile: bytes) -> None:
    PARSERS[name].feed(hostile)


def test_every_parser_has_sound_examples() -> None:
    assert {each.name for each in CORPUS.iterdir()} == set(PARSERS)
    for each in PARSERS.values():
        assert any(kept.name.startswith("sound") for kept in (CORPUS / each.name).iterdir()), each.name


def test_the_bench_notices_its_saboteur() -> None:
    outcome = fuzz(Budget(60, share=0.002), 1, lambda done, goal, what: None)
    assert outcome.complaints == [], outcome.evidence
    assert outcome.simulated > 100
