"""Whatever spelling of an id somebody pastes, the one that is stored is among those looked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.spelling import case_suffix, spellings

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
short_ids = st.text(LETTERS, min_size=15, max_size=15)


def test_the_suffix_is_the_vendors_own() -> None:
    assert case_suffix("001D000000IqhSL") == "IAZ"


@given(short=short_ids)
def test_short_and_long_form_find_each_other_in_any_case(short: str) -> None:
    long = short + case_suffix(short)
    assert {short, long} <= spellings(short)
    for pasted in (long, long.upper(), long.lower()):
        assert {short, long} <= spellings(pasted)


def test_a_business_key_is_found_in_small_letters_and_between_blanks() -> None:
    assert "ENG-7K3M9QXA" in spellings("  eng-7k3m9qxa\n")


def test_nothing_has_no_spelling() -> None:
    assert spellings("  ") == frozenset()


def test_eighteen_letters_that_are_no_id_stay_what_they_are() -> None:
    assert spellings("project-of-globex-9") == {"project-of-globex-9", "PROJECT-OF-GLOBEX-9"}
    assert spellings("ABCDEFGHIJKLMNO999") == {"ABCDEFGHIJKLMNO999"}
