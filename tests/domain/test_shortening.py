"""A long name is shortened by one rule: the same every time, in whole characters, and never two names in one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tieout.domain.shortening import cut, folded, shortened, width

NAMES = st.text(min_size=1, max_size=200).filter(str.strip)
ROOM = st.integers(min_value=1, max_value=120)
KEYS = st.from_regex(r"PRJ-[0-9A-Z]{8}", fullmatch=True)
LONG = "Internationale Gesellschaft für Beratung und Datenplattformen mbH & Co. KG, Niederlassung Köln"


def test_whole_words_are_kept() -> None:
    assert shortened(LONG, 60) == "Internationale Gesellschaft für Beratung und"
    assert shortened("Aurora Data Platform - Phase 2", 22) == "Aurora Data Platform"
    assert shortened("Smith & Sons", 7) == "Smith"


def test_a_word_that_is_too_long_by_itself_is_cut() -> None:
    assert shortened("Donaudampfschifffahrtsgesellschaft", 10) == "Donaudampf"


def test_where_two_would_be_one_a_mark_tells_them_apart() -> None:
    one, other = (shortened(LONG, 40, apart=key) for key in ("PRJ-00000001", "PRJ-00000002"))
    assert one != other
    assert one[:-6] == other[:-6] == "Internationale Gesellschaft für #"
    assert shortened(LONG, 5, apart="PRJ-00000001") == one[-6:-1]


@pytest.mark.parametrize(
    ("name", "room", "kept"),
    [
        ("Ame\u0301lie-Marie", 3, "Am"),  # the accent is a character of its own
        ("ab👩‍👩‍👧cd", 6, "ab"),
        ("ab😀cd", 3, "ab"),
        ("ab🇩🇪cd", 4, "ab"),
        ("ab👍🏽cd", 5, "ab"),
    ],
)
def test_no_character_is_torn_apart(name: str, room: int, kept: str) -> None:
    assert unicodedata.normalize("NFD", shortened(name, room)).startswith(kept)
    assert cut(name + "x" * 50, room + 1) == f"{kept}…"


@given(NAMES, ROOM)
def test_it_is_never_longer_and_the_same_every_time(name: str, room: int) -> None:
    short = shortened(name, room)
    assert width(short) <= room
    assert short == shortened(name, room)
    assert short
    short.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@given(NAMES, st.integers(min_value=2, max_value=120), KEYS)
def test_it_is_idempotent(name: str, room: int, key: str) -> None:
    for apart in ("", key):
        short = shortened(name, room, apart=apart)
        assert width(short) <= room
        assert shortened(short, room, apart=apart) == short


@given(NAMES, st.integers(min_value=6, max_value=120), KEYS, KEYS)
def test_marked_names_of_two_keys_differ(name: str, room: int, one: str, other: str) -> None:
    assume(one != other)
    first, second = (shortened(name + "x" * room, room, apart=key) for key in (one, other))
    assert folded(first) != folded(second)


@given(NAMES, st.integers(min_value=0, max_value=9))
def test_a_name_that_fits_is_left_alone(name: str, more: int) -> None:
    room = width(name) + more
    assert shortened(name, room) == shortened(name, room, apart="PRJ-00000001") == name


@given(st.text(max_size=300), st.integers(min_value=2, max_value=100))
def test_prose_is_cut_with_an_ellipsis(text: str, most: int) -> None:
    told = cut(text, most)
    assert width(told) <= most
    assert told == text or told.endswith("…")
    assert cut(told, most) == told


def test_nothing_fits_into_no_room() -> None:
    with pytest.raises(ValueError, match="0 characters"):
        shortened("Aurora", 0)
