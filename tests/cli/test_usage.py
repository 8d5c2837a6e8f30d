"""Readings from a file: shown first, taken once, and never in part."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Tieout

from tieout.cli.exits import Exit

HEAD = "id,engagement,meter,quantity,unit,day"


@pytest.fixture
def metered(on_database: Tieout, kestrel: Path) -> Tieout:
    """Kestrel in force, whose platform meters."""
    assert on_database("apply", str(kestrel)).code == Exit.OK
    return on_database


def file(*rows: str) -> str:
    Path("usage.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    return "usage.csv"


def row(id_: str, quantity: str) -> str:
    return f"{id_},ENG-NOWHERE1,storage,{quantity},GB,2026-10-05"


def test_a_file_is_shown_then_taken_and_the_same_one_again_changes_nothing(metered: Tieout) -> None:
    name = file(row("a", "1"), row("b", "2.5"))
    shown = metered("usage", "import", name, "--source", "metering")
    assert shown.code == Exit.OK
    assert shown.out.splitlines() == [
        "2 readings: 2 new.", "  2 will wait: usage.engagement_unknown", "Nothing was taken: say --yes to take them."
    ]  # fmt: skip
    assert metered("usage", "list", "--json").document == []
    taken = metered("usage", "import", name, "--source", "metering", "--yes", "--json").document
    assert (taken["taken"], taken["outcomes"]) == (True, {"new": 2})
    again = metered("usage", "import", name, "--source", "metering", "--yes")
    assert again.out.splitlines()[0] == "2 readings: 2 same."
    assert again.out.splitlines()[-1] == "Nothing is new: there is nothing to take."
    assert [each["version"] for each in metered("usage", "list", "--waiting", "--json").document] == [1, 1]


def test_a_corrected_file_says_what_was_and_what_becomes(metered: Tieout) -> None:
    metered("usage", "import", file(row("a", "1"), row("b", "2.5")), "--source", "metering", "--yes")
    said = metered(
        "usage", "import", file(row("a", "1"), row("b", "3")), "--source", "metering", "--yes", "--as", "Anna"
    )
    assert said.out.splitlines()[:2] == ["2 readings: 1 corrected, 1 same.", "  b: 2.5 GB becomes 3 GB, version 2"]
    story = metered("usage", "show", "metering", "b", "--json").document
    assert [(each["version"], each["body"]["quantity"]) for each in story["versions"]] == [(1, "2.5"), (2, "3")]
    assert "version 2: 3 GB, from Anna" in metered("usage", "show", "metering", "b").out
    assert metered("usage", "show", "metering", "c").code == Exit.PROBLEM


def test_every_wrong_row_is_named_and_nothing_is_taken(metered: Tieout) -> None:
    said = metered(
        "usage", "import", file(row("a", "1"), row("b", "-2"), row("a", "3")), "--source", "metering", "--yes", "--json"
    )
    assert said.code == Exit.PROBLEM
    (wrong,) = said.document["error"]["problems"]
    assert (wrong["where"], bool(wrong["fix"])) == ("usage.csv:3, quantity", True)
    said = metered("usage", "import", file("a,ENG-1"), "--source", "metering", "--json")
    assert said.document["error"]["problems"][0]["where"] == "usage.csv:2"
    said = metered("usage", "import", file(row("a", "1")), "--source", "Metering", "--json")
    assert said.document["error"]["problems"][0]["what"] == "no source of usage is called “Metering”."
    assert metered("usage", "import", "nowhere.csv", "--source", "metering").code == Exit.USAGE
    Path("latin.csv").write_bytes(HEAD.encode() + b"\n\xe4")
    assert metered("usage", "import", "latin.csv", "--source", "metering").code == Exit.PROBLEM
    assert metered("usage", "list", "--json").document == []
