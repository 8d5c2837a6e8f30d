"""From an empty folder to a firm in force, and what a person reads when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import NOWHERE, Tieout

from tieout.cli.exits import Exit


def filled(monkeypatch: pytest.MonkeyPatch, example: Path) -> None:
    """Gives every variable that the example of the secrets names some value."""
    for line in example.read_text().splitlines():
        name, equals, _ = line.partition("=")
        if equals and not line.startswith("#"):
            monkeypatch.setenv(name, "http://127.0.0.1:9" if name.endswith("_URL") else "123")


def test_a_new_firm_goes_from_its_folder_into_force(on_database: Tieout, monkeypatch: pytest.MonkeyPatch) -> None:
    tieout = on_database
    made = tieout("init", "acme", "--name", "Acme Advisory", "--json")
    assert made.code == Exit.OK
    assert "tieout.yaml" in made.document["files"]
    filled(monkeypatch, Path("acme") / "secrets.env.example")
    assert tieout("check", "acme", "--json").document["findings"] == []
    calendar = Path("acme") / "calendars" / "us.yaml"
    calendar.parent.mkdir()
    calendar.write_text("name: US\nholidays: { 2025-12-25: Christmas }\n")
    assert "US names no holiday after 2025-12-25" in tieout("check", "acme").out
    assert len(tieout("check", "acme", "--json").document["hints"]) == 1
    calendar.unlink()

    planned = tieout("plan", "acme", "--json")
    assert planned.document["changes"][0] == "the firm Acme Advisory is set up"
    assert planned.document["migrations"] == []

    applied = tieout("apply", "acme", "--as", "anna.fischer@acme.example", "--json")
    assert applied.document == {"version": 1, "changed": True, "changes": planned.document["changes"]}
    assert tieout("plan", "acme", "--json").document["changes"] == []
    assert tieout("apply", "acme", "--json").document["changed"] is False

    status = tieout("status", "--json")
    assert status.code == Exit.OK
    assert status.document["firm"] == {"name": "Acme Advisory", "version": 1}
    assert status.document["ties_out"] is True


def test_nothing_is_overwritten_by_a_second_init(tieout: Tieout) -> None:
    assert tieout("init", "acme").code == Exit.OK
    again = tieout("init", "acme", "--json")
    assert again.code == Exit.PROBLEM
    assert "tieout.yaml" in again.document["error"]["problems"][0]["what"]


def test_every_mistake_is_said_with_its_file_and_line(tieout: Tieout, kestrel: Path) -> None:
    table = kestrel / "tables" / "tax_class.yaml"
    table.write_text(table.read_text().replace("purpose:", "porpoise:"))
    main = kestrel / "tieout.yaml"
    main.write_text(main.read_text().replace("code: DE, name", "code: de, name"))
    said = tieout("check", str(kestrel))
    assert said.code == Exit.CONFIGURATION
    assert "tables/tax_class.yaml:4: porpoise" in said.err
    assert "tieout.yaml:7: entities[1].code" in said.err
    assert said.out == ""
    found = tieout("check", str(kestrel), "--json").document["findings"]
    assert {(each["file"], each["line"]) for each in found} >= {("tables/tax_class.yaml", 4), ("tieout.yaml", 7)}
    for command in ("plan", "apply"):
        refused = tieout(command, str(kestrel))
        assert refused.code == Exit.CONFIGURATION
        assert "tables/tax_class.yaml:4: porpoise" in refused.err
        assert "Traceback" not in refused.err


def test_a_missing_secret_is_named_by_its_variable(
    tieout: Tieout, kestrel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    assert tieout("check", str(kestrel)).code == Exit.OK
    monkeypatch.delenv("TIEOUT_CONNECTION_ERP_US_PASSWORD")
    said = tieout("check", str(kestrel))
    assert said.code == Exit.CONFIGURATION
    assert "Set TIEOUT_CONNECTION_ERP_US_PASSWORD" in said.err


def test_a_folder_that_is_none_says_how_to_make_one(tieout: Tieout) -> None:
    said = tieout("check")
    assert said.code == Exit.CONFIGURATION
    assert "tieout init" in said.err


def test_the_plan_says_what_a_changed_folder_means(on_database: Tieout, kestrel: Path) -> None:
    assert on_database("apply", str(kestrel)).code == Exit.OK
    main = kestrel / "tieout.yaml"
    main.write_text(main.read_text().replace("days_after: 2", "days_after: 5"))
    said = on_database("plan", str(kestrel))
    assert said.code == Exit.OK
    assert "billing: days after 2 → 5" in said.out
