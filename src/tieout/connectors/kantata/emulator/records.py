"""All rows of the account, with the time of the account, ids, and requests that happen whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from tieout.connectors.kantata.emulator.schema import Collection, Row
from tieout.connectors.kantata.emulator.storage import Storage
from tieout.connectors.kantata.emulator.wire import stamp

Key = tuple[str, str]
# What one request did to one row: the row before, the row after.
Step = tuple[Key, Row | None, Row | None]


class Records:
    """Rows are replaced, never changed in place, so that a row once read stays what it was."""

    def __init__(self, catalogue: Mapping[str, Collection], clock: Callable[[], datetime], storage: Storage) -> None:
        self.catalogue = catalogue
        self._clock = clock
        self._storage = storage
        self._tables: dict[str, dict[str, Row]] = {name: {} for name in catalogue}
        self._indexes: dict[tuple[str, str], dict[Any, dict[str, None]]] = {}
        self._before: dict[Key, Row | None] = {}
        self._listeners: list[Callable[[list[Step]], None]] = []
        self._facts = storage.facts()
        self._changed_facts: dict[str, Any] = {}
        self._last_id = 10_000_000
        for collection, row in storage.records():
            self._tables[collection][row["id"]] = row
            self._last_id = max(self._last_id, int(row["id"]))

    def now(self) -> datetime:
        return self._clock().replace(microsecond=0)

    def when_done(self, listen: Callable[[list[Step]], None]) -> None:
        """`listen` hears what each request did just before it is kept, and may add to it."""
        self._listeners.append(listen)

    # -- reading

    def get(self, collection: str, row_id: str | None) -> Row | None:
        return self._tables[collection].get(row_id) if row_id else None

    def all(self, collection: str) -> Iterator[Row]:
        return iter(list(self._tables[collection].values()))

    def oldest(self, collection: str) -> Row | None:
        return next(iter(self._tables[collection].values()), None)

    def where(self, collection: str, field: str, value: Any) -> list[Row]:
        """Rows with this value in a field, in the order of their creation."""
        index = self._indexes.get((collection, field))
        if index is None:
            index = self._indexes[collection, field] = {}
            for row in self._tables[collection].values():
                index.setdefault(row.get(field), {})[row["id"]] = None
        table = self._tables[collection]
        return [table[each] for each in index.get(value, ())]

    def first(self, collection: str, **values: Any) -> Row | None:
        (field, value), *others = values.items()
        found = self.where(collection, field, value)
        return next((row for row in found if all(row.get(name) == wanted for name, wanted in others)), None)

    def fact(self, name: str, otherwise: Any = None) -> Any:
        return self._facts.get(name, otherwise)

    # -- writing

    def insert(self, collection: str, **values: Any) -> Row:
        self._last_id += 1
        now = stamp(self.now())
        row: Row = {"id": str(self._last_id), "created_at": now, "updated_at": now, **values}
        self._put((collection, row["id"]), row)
        return row

    def change(self, collection: str, row_id: str, *, quietly: bool = False, **values: Any) -> Row:
        """`quietly` leaves `updated_at` where it is: what the vendor derives from elsewhere does not touch the row."""
        before = self._tables[collection][row_id]
        row = {**before, **values}
        if row == before:
            return before
        if not quietly:
            row["updated_at"] = stamp(self.now())
        self._put((collection, row_id), row)
        return row

    def remove(self, collection: str, row_id: str) -> None:
        self._put((collection, row_id), None)

    def set_fact(self, name: str, value: Any) -> None:
        self._facts[name] = value
        self._changed_facts[name] = value

    @contextmanager
    def request(self) -> Generator[None]:
        """What happens inside is kept together, or undone together when it raises."""
        try:
            yield
        except BaseException:
            self._undo()
            raise
        self.commit()

    def commit(self) -> None:
        steps = [(key, before, self.get(*key)) for key, before in self._before.items()]
        for listen in self._listeners:
            listen(steps)
        self._storage.save({key: self.get(*key) for key in self._before}, self._changed_facts)
        self._before.clear()
        self._changed_facts.clear()

    def _undo(self) -> None:
        for key, before in list(self._before.items()):
            self._put(key, before)
        self._before.clear()
        self._changed_facts.clear()

    def _put(self, key: Key, row: Row | None) -> None:
        collection, row_id = key
        table = self._tables[collection]
        before = table.get(row_id)
        self._before.setdefault(key, before)
        if row is None:
            table.pop(row_id, None)
        else:
            table[row_id] = row
        for (name, field), index in self._indexes.items():
            if name == collection:
                _move(index, field, row_id, before, row)


def _move(index: dict[Any, dict[str, None]], field: str, row_id: str, before: Row | None, after: Row | None) -> None:
    old, new = before and before.get(field), after and after.get(field)
    if before is not None and (after is None or old != new):
        index.get(old, {}).pop(row_id, None)
    if after is not None and (before is None or old != new):
        index.setdefault(new, {})[row_id] = None
