"""Value tables: what differs from firm to firm (practice → department), with effective dates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

ANY = "*"


@dataclass(frozen=True, slots=True)
class ValueRow:
    """`key` means `value` in `entity` (or in every one, `*`) from a day on, until a later row says otherwise.

    An empty `value` ends the validity: from that day on the key is unknown again.
    """

    table: str
    key: str
    value: str
    entity: str = ANY
    valid_from: date = date.min
    author: str = ""
    version: int = 1


class ValueTables:
    """All tables of a firm, as they stand at one moment. Keys are compared without regard to case or outer blanks."""

    def __init__(self, rows: Iterable[ValueRow]) -> None:
        self._rows: dict[tuple[str, str, str], list[ValueRow]] = {}
        for row in rows:
            self._rows.setdefault((row.table, row.entity, _folded(row.key)), []).append(row)
        for each in self._rows.values():
            each.sort(key=lambda row: (row.valid_from, row.version))

    def look_up(self, table: str, key: str, *, entity: str, on: date) -> ValueRow | None:
        """The row in force on a day; one for the entity itself goes before one for every entity."""
        for scope in (entity, ANY):
            in_force = [row for row in self._rows.get((table, scope, _folded(key)), ()) if row.valid_from <= on]
            if in_force:
                return in_force[-1] if in_force[-1].value else None
        return None

    def options(self, table: str) -> list[str]:
        """The values that a table leads to, for a person to choose from."""
        return sorted(
            {row.value for (name, _, _), rows in self._rows.items() if name == table for row in rows if row.value}
        )


def _folded(key: str) -> str:
    return key.strip().casefold()
