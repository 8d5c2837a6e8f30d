"""Value tables know what a word means for an entity on a day."""

from __future__ import annotations

from datetime import date

from tieout.domain.values import ANY, ValueRow, ValueTables

DAY = date(2026, 11, 25)


def tables(*rows: ValueRow) -> ValueTables:
    return ValueTables(rows)


def meaning(held: ValueTables, key: str, *, entity: str = "US", on: date = DAY) -> str | None:
    found = held.look_up("department", key, entity=entity, on=on)
    return found.value if found else None


def test_a_word_means_the_same_in_capitals_and_between_blanks() -> None:
    assert meaning(tables(ValueRow("department", "Data & AI", "410")), "  DATA & ai ") == "410"


def test_an_entitys_own_row_goes_before_the_one_for_every_entity() -> None:
    held = tables(ValueRow("department", "Data", "410"), ValueRow("department", "Data", "D-1", "DE"))
    assert meaning(held, "Data", entity="DE") == "D-1"
    assert meaning(held, "Data", entity="US") == "410"


def test_a_later_row_holds_from_its_day_on_and_not_before() -> None:
    held = tables(
        ValueRow("department", "Data", "new", valid_from=date(2026, 7, 1)),
        ValueRow("department", "Data", "old", valid_from=date(2026, 1, 1)),
    )
    assert meaning(held, "Data", on=date(2026, 6, 30)) == "old"
    assert meaning(held, "Data", on=date(2026, 7, 1)) == "new"
    assert meaning(held, "Data", on=date(2025, 12, 31)) is None


def test_of_two_rows_of_one_day_the_later_version_counts() -> None:
    held = tables(
        ValueRow("department", "Data", "second", version=2), ValueRow("department", "Data", "first", version=1)
    )
    assert meaning(held, "Data") == "second"


def test_an_empty_value_ends_the_validity_even_where_every_entity_has_one() -> None:
    held = tables(ValueRow("department", "Data", "410"), ValueRow("department", "Data", "", "US"))
    assert meaning(held, "Data", entity="US") is None
    assert meaning(held, "Data", entity=ANY) == "410"


def test_another_table_is_another_world() -> None:
    assert meaning(tables(ValueRow("tax", "Data", "19%")), "Data") is None


def test_the_options_of_a_table_are_the_values_it_leads_to() -> None:
    held = tables(
        ValueRow("department", "Data", "410"),
        ValueRow("department", "AI", "410"),
        ValueRow("department", "Cloud", "420"),
        ValueRow("department", "Gone", ""),
        ValueRow("tax", "Data", "19%"),
    )
    assert held.options("department") == ["410", "420"]
