"""A firm folder is read exactly, and everything that is wrong with it is said at once, each with its line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tieout.connectors.contract import ConnectorSpec
from tieout.domain.firm import Firm
from tieout.folder.finding import UnusableFolder
from tieout.folder.loading import check, load

Kinds = Mapping[str, ConnectorSpec]
Rewrite = Callable[[str, str, str], None]


def told(folder: Path, kinds: Kinds) -> list[str]:
    return [str(each) for each in check(folder, kinds=kinds)]


def test_a_folder_becomes_the_firm_that_it_describes(folder: Path, kinds: Kinds) -> None:
    firm = load(folder, kinds)
    assert firm.name == "Kestrel"
    assert firm.connection("erp", "US") == "erp-us"
    assert firm.packages[0].tasks[0].hours == Decimal(16)
    assert firm.rate_cards[0].versions[0].valid_from == date(2026, 1, 1)
    assert firm.payment_terms == {"Net 30": 30}
    assert check(folder, kinds=kinds) == []


def test_a_rate_is_exactly_the_digits_that_stand_there(folder: Path, kinds: Kinds, rewrite: Rewrite) -> None:
    assert str(load(folder, kinds).rate_cards[0].versions[0].rates["Principal"]) == "420.10"
    rewrite("rate_cards/us.yaml", "420.10", "0.1000000000000000055511151231257827")
    assert str(load(folder, kinds).rate_cards[0].versions[0].rates["Principal"]) == (
        "0.1000000000000000055511151231257827"
    )


def test_a_text_is_what_stands_there_though_yaml_would_count_or_negate_it(
    folder: Path, kinds: Kinds, rewrite: Rewrite
) -> None:
    rewrite("tieout.yaml", "name: Kestrel", "name: NO")
    firm = load(folder, kinds)
    assert firm.name == "NO"
    assert firm.tables[0].rows[0].value == "0410"
    assert firm.connections["erp-us"].settings["version"] == "60.0"


def test_a_stored_firm_is_the_loaded_one(folder: Path, kinds: Kinds) -> None:
    firm = load(folder, kinds)
    assert Firm.model_validate(firm.model_dump(mode="json")) == firm


def test_every_mistake_in_every_file_is_told_at_once(folder: Path, kinds: Kinds, rewrite: Rewrite) -> None:
    rewrite("tieout.yaml", "currency: USD", "currency: usd")
    rewrite("tieout.yaml", "kind: ledger", "kind: leger")
    rewrite("tieout.yaml", "timeout: 12.5", "timeout: soon, regoin: us, password: hush")
    rewrite("tieout.yaml", "payment_terms: { Net 30: 30 }", "payment_terms: { Net 30: thirty, Net 60: }\nbiling: {}")
    rewrite("packages/discovery.yaml", "hours: 16", 'hours: "1,600.00"')
    rewrite("rate_cards/us.yaml", "valid_from: 2026-01-01", "valid_from: 01/02/2026")
    rewrite("tables/practice_department.yaml", "purpose: department\n", "")
    assert told(folder, kinds) == [
        "tieout.yaml:3: entities[0].currency: “usd” does not look right. "
        "Expected: The currency of its books: three capital letters (ISO 4217), such as USD.",
        "tieout.yaml:5: connections.sales.settings.password: is a secret in a file that others read. Remove it, "
        "set TIEOUT_CONNECTION_SALES_PASSWORD (or …_FILE) instead, and change the secret: it has been seen.",
        "tieout.yaml:5: connections.sales.settings.timeout: “soon” is not a number. Expected: Seconds.",
        "tieout.yaml:5: connections.sales.settings.regoin: is not a name that Tieout knows here. "
        "Did you mean “region”?",
        "tieout.yaml:8: connections.erp-us.kind: “leger” is not a kind of system that Tieout speaks to. "
        "Did you mean “ledger”? Known kinds: demo, ledger.",
        "tieout.yaml:15: payment_terms.Net 30: “thirty” is not a whole number. "
        "Expected: Payment terms as deals name them → days until the invoice is due.",
        "tieout.yaml:15: payment_terms.Net 60: has no value. "
        "Expected: Payment terms as deals name them → days until the invoice is due.",
        "tieout.yaml:16: biling: is not a name that Tieout knows here. Did you mean “billing”?",
        "packages/discovery.yaml:5: tasks[0].hours: “1,600.00” is not a number such as 420.10, "
        "without thousands separators. Expected: Its budget in hours.",
        "rate_cards/us.yaml:6: versions[0].valid_from: “01/02/2026” is not a day such as 2026-01-31. "
        "Expected: The first day of work it prices, such as 2026-01-01.",
        "tables/practice_department.yaml:1: purpose: is missing. "
        "Expected: What is derived from it, in the words a hold uses: department.",
    ]


def test_a_calendar_has_days_and_a_wrong_one_is_told_with_its_line(folder: Path, kinds: Kinds) -> None:
    (folder / "calendars").mkdir()
    file = folder / "calendars" / "us.yaml"
    file.write_text("name: US\nentities: [US]\nholidays:\n  2026-11-26: Thanksgiving\n  2026-12-25: Christmas\n")
    (calendar,) = load(folder, kinds).calendars
    assert calendar.holidays == {date(2026, 11, 26): "Thanksgiving", date(2026, 12, 25): "Christmas"}
    file.write_text(file.read_text().replace("12-25", "12-32").replace("[US]", "[UX]") + "working_days: [monday]\n")
    assert told(folder, kinds) == [
        "calendars/us.yaml:5: holidays.2026-12-32: is not a day such as 2026-01-31. "
        "Expected: Day → the name of the holiday: 2026-12-25: Christmas.",
        "calendars/us.yaml:6: working_days[0]: “monday” is not an option. Did you mean “mon”?",
    ]
    file.write_text(file.read_text().replace("12-32", "12-25").replace("[monday]", "[mon]"))
    assert told(folder, kinds) == [
        "calendars/us.yaml:2: entities[0]: “UX” is not a legal entity of the firm. Say one of: US."
    ]


def test_loading_a_wrong_folder_raises_all_of_it(folder: Path, kinds: Kinds, rewrite: Rewrite) -> None:
    rewrite("tieout.yaml", "role: crm", "role: crn")
    rewrite("tieout.yaml", "Net 30: 30", "Net 30: -1")
    with pytest.raises(UnusableFolder, match="Did you mean “crm”") as raised:
        load(folder, kinds)
    first, second = raised.value.findings
    assert first.as_dict() == {
        "file": "tieout.yaml",
        "line": 5,
        "path": "connections.sales.role",
        "what": "“crn” is not an option",
        "fix": "Did you mean “crm”?",
    }
    assert second.what == "“-1” should be greater than or equal to 0"


def test_contradictions_between_files_stand_in_the_file_that_says_them(
    folder: Path, kinds: Kinds, rewrite: Rewrite
) -> None:
    rewrite("packages/discovery.yaml", "role: Principal", "role: Principle")
    rewrite("rate_cards/us.yaml", "entity: US", "entity: UK")
    rewrite("tieout.yaml", "entity: US", "entity: UK")
    assert told(folder, kinds) == [
        "tieout.yaml:4: connections: nothing plays the role erp for US. "
        "Add a connection with role: erp, for US or for every entity.",
        "tieout.yaml:10: connections.erp-us.entity: “UK” is not a legal entity of the firm. Say one of: US.",
        "packages/discovery.yaml:5: tasks[0].role: no rate card knows the role “Principle”. Did you mean “Principal”?",
        "rate_cards/: there is no rate card for the legal entity US. Add one with entity: US and currency: USD.",
        "rate_cards/us.yaml:3: entity: “UK” is not a legal entity of the firm. Say one of: US.",
    ]


def test_a_file_that_cannot_be_read_does_not_hide_the_mistakes_of_the_others(
    folder: Path, kinds: Kinds, rewrite: Rewrite
) -> None:
    rewrite("packages/discovery.yaml", "name: Discovery", "name: [Discovery")
    rewrite("rate_cards/us.yaml", "key: US-2026\n", "")
    assert [line.split(": ")[0] for line in told(folder, kinds)] == [
        "packages/discovery.yaml:3",
        "rate_cards/us.yaml:1",
    ]


def test_a_system_plays_only_roles_that_its_connector_knows(folder: Path, kinds: Kinds, rewrite: Rewrite) -> None:
    rewrite("tieout.yaml", "kind: demo, role: psa", "kind: ledger, role: psa")
    assert told(folder, kinds) == [
        "tieout.yaml:6: connections.delivery.role: Ledger cannot be the psa. Say one of: erp."
    ]


def test_a_misspelt_secret_is_still_a_secret_in_clear_text(folder: Path, kinds: Kinds, rewrite: Rewrite) -> None:
    rewrite("tieout.yaml", "version: 60.0", "pasword: hush")
    (line,) = told(folder, kinds)
    assert "connections.erp-us.settings.pasword: is a secret in a file" in line
    assert "set TIEOUT_CONNECTION_ERP_US_PASSWORD" in line
    assert "hush" not in line


def test_a_setting_within_a_setting_has_its_own_path(folder: Path, kinds: Kinds, rewrite: Rewrite) -> None:
    rewrite("tieout.yaml", "version: 60.0", "login: { usr: tieout }")
    assert told(folder, kinds) == [
        "tieout.yaml:13: connections.erp-us.settings.login.usr: is not a name that Tieout knows here. "
        "Did you mean “user”?"
    ]


@pytest.mark.parametrize(
    ("limits", "wrong"),
    [
        ("{ share: 1.5 }", "limits.share: “1.5” should be less than or equal to 1"),
        ("{ rate: 3 }", "limits.rate: is not a name that Tieout knows here"),
        (
            "{ windows: [{ begins: 25:00, ends: 18:00 }] }",
            "windows[0].begins: “25:00” should be in a valid time format",
        ),
        ("{ windows: [{ begins: 08:00, ends: 18:00, lanes: [nightly] }] }", "lanes[0]: “nightly” is not an option"),
        (
            "{ windows: [{ begins: 00:00, ends: 00:00, lanes: [interactive, billing] }] }",
            "limits: no hour of the week allows master, backfill: that work would wait for ever",
        ),
    ],
)
def test_limits_that_cannot_be_meant_are_told_with_their_line(
    folder: Path, kinds: Kinds, rewrite: Rewrite, limits: str, wrong: str
) -> None:
    rewrite("tieout.yaml", "{ kind: demo, role: psa,", f"{{ kind: demo, role: psa, limits: {limits},")
    (found,) = told(folder, kinds)
    assert found.startswith("tieout.yaml:")
    assert wrong in found


def test_parts_with_a_folder_of_their_own_do_not_stand_in_the_main_file(
    folder: Path, kinds: Kinds, rewrite: Rewrite
) -> None:
    rewrite("tieout.yaml", "name: Kestrel", "name: Kestrel\npackages: []")
    assert told(folder, kinds) == [
        "tieout.yaml:2: packages: has a folder of its own, packages/. Write one file for each there: packages/….yaml."
    ]


def test_shapes_that_are_not_what_they_should_be(folder: Path, kinds: Kinds, rewrite: Rewrite) -> None:
    rewrite("tieout.yaml", "name: Kestrel", "name: { first: Kestrel }")
    rewrite("tieout.yaml", "{ code: US, name: Kestrel Inc., currency: USD }", "US")
    rewrite("tieout.yaml", "settings: { url: https://delivery.example }", "settings: https://delivery.example")
    rewrite("tieout.yaml", "kind: ledger", "kind: [ledger]")
    assert [line.split(": ", 2)[2].split(". Expected")[0] for line in told(folder, kinds)] == [
        "a group of names is not a text",
        "“US” is not names with values",
        "“https://delivery.example” is not names with values",
        "a list is not a text",
    ]


def test_a_firm_has_at_least_one_entity_and_its_connections(folder: Path, kinds: Kinds) -> None:
    (folder / "tieout.yaml").write_text("name: Kestrel\nentities: []\nconnections: []\n")
    assert told(folder, kinds) == [
        "tieout.yaml:2: entities: is empty. Expected: The companies of the firm.",
        "tieout.yaml:3: connections: a list is not names with values. "
        "Expected: Name (small letters, digits, hyphens) → a configured system.",
    ]


def test_a_connection_has_a_name_that_fits_into_an_address(folder: Path, kinds: Kinds, rewrite: Rewrite) -> None:
    rewrite("tieout.yaml", "  sales:", "  Sales_1:")
    assert told(folder, kinds) == [
        "tieout.yaml:5: connections.Sales_1: does not look right as a name. "
        "Expected: Name (small letters, digits, hyphens) → a configured system."
    ]


def test_a_folder_without_its_main_file_says_how_to_get_one(tmp_path: Path, kinds: Kinds) -> None:
    assert told(tmp_path, kinds) == [
        f"tieout.yaml: is not in {tmp_path}. Name the firm folder, or make one with `tieout init`."
    ]
    (tmp_path / "tieout.yml").touch()
    assert told(tmp_path, kinds)[0].endswith("Rename tieout.yml to tieout.yaml.")


def test_a_file_that_would_be_overlooked_is_named(folder: Path, kinds: Kinds) -> None:
    (folder / "packages" / "more.yml").touch()
    (folder / "packages" / "README.md").touch()
    assert told(folder, kinds) == ["packages/more.yml: would not be read. Rename it to more.yaml."]


def test_all_installed_kinds_are_known_when_none_are_given(folder: Path) -> None:
    with pytest.raises(UnusableFolder, match=r"Say one of: .*salesforce"):
        load(folder)
    assert any("salesforce" in each.fix for each in check(folder))


@given(data=st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_stands_in_a_file_it_is_loaded_or_told_and_never_a_crash(
    folder: Path, files: Mapping[str, str], kinds: Kinds, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(files)))
    whole = files[name]
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 30)))
    inserted = data.draw(st.text(st.sampled_from(list(": -{}[]\"'#&*!|>\n\t,0a~?")), max_size=6))
    (folder / name).write_text(whole[:start] + inserted + whole[end:])
    findings = check(folder, {}, kinds)
    (folder / name).write_text(whole)
    assert all(each.what and each.fix.endswith((".", "?")) for each in findings)
