"""The org's rows: in memory, indexed, changed in transactions that nest and roll back, and written through on commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tieout.connectors.salesforce.emulator.identifiers import new_id, pod_of
from tieout.connectors.salesforce.emulator.schema import Schema, SObject
from tieout.connectors.salesforce.emulator.storage import Storage
from tieout.connectors.salesforce.emulator.values import folded, frozen, thawed
from tieout.connectors.salesforce.emulator.wire import instant_text, read_instant

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What a transaction did to one row: None before is a creation. Rows are never edited in place."""

    entity: SObject
    id: str
    before: Row | None
    after: Row


class _Table:
    """The rows of one object by id, in the order of their creation, and an index over every field that finds rows."""

    def __init__(self, entity: SObject) -> None:
        self.rows: dict[str, Row] = {}
        self.indexed = {
            each.name: each
            for each in entity.fields.values()
            if each.type == "reference" or ((each.identifies or each.unique) and each.type != "id")
        }
        self._ids: dict[str, dict[Any, dict[str, None]]] = {name: defaultdict(dict) for name in self.indexed}

    def replace(self, record_id: str, row: Row | None) -> None:
        old = self.rows.get(record_id)
        for name, field in self.indexed.items():
            if old is not None and (value := old.get(name)) is not None:
                self._ids[name][folded(field, value)].pop(record_id, None)
            if row is not None and (value := row.get(name)) is not None:
                self._ids[name][folded(field, value)][record_id] = None
        if row is None:
            self.rows.pop(record_id, None)
        else:
            self.rows[record_id] = row

    def find(self, name: str, value: Any) -> list[Row]:
        ids = self._ids[name].get(folded(self.indexed[name], value), {})
        return [self.rows[each] for each in sorted(ids)]  # ids grow, so this is the order of creation


class Records:
    """Every row of the org, deleted ones included; and the org's clock, whose stamps never run backwards."""

    def __init__(self, schema: Schema, clock: Callable[[], datetime], storage: Storage, seed: int) -> None:
        self.schema = schema
        self._clock = clock
        self._storage = storage
        self._pod = pod_of(seed)
        self._tables = {each.name: _Table(each) for each in schema}
        self._journal: list[tuple[str, str, Row | None]] = []
        self._depth = 0
        self._facts_changed: set[str] = set()
        self._listeners: list[Callable[[Sequence[Change]], None]] = []
        self._facts = storage.facts()
        self._counters: dict[str, int] = self._facts.get("counters", {})
        self._latest = read_instant(self._facts.get("latest_stamp", "")) or datetime.min.replace(tzinfo=UTC)
        for name, row in storage.records():
            self._restore(name, row)

    def _restore(self, name: str, row: dict[str, Any]) -> None:
        if entity := self.schema.objects.get(name):
            typed = {field: thawed(entity.field(field), value) for field, value in row.items()}
            self._tables[name].replace(typed["Id"], typed)

    # -- time and numbers

    def now(self) -> datetime:
        """The org's clock, in whole seconds (UTC)."""
        return self._clock().astimezone(UTC).replace(microsecond=0)

    def stamp(self) -> datetime:
        """The stamp of a change: the clock, or the last stamp where the clock was set back."""
        self._latest = max(self._latest, self.now())
        self.keep("latest_stamp", instant_text(self._latest))
        return self._latest

    def next_id(self, entity: SObject) -> str:
        return new_id(entity.key_prefix, self._pod, self.next_number(entity.key_prefix))

    def next_number(self, sequence: str) -> int:
        """1, 2, 3, …: numbers are not given back by a rollback."""
        self._counters[sequence] = self._counters.get(sequence, 0) + 1
        self.keep("counters", self._counters)
        return self._counters[sequence]

    # -- facts about the org that are no records

    def fact(self, name: str) -> Any:
        return self._facts.get(name)

    def keep(self, name: str, body: Any) -> None:
        """Remember a JSON value with the current transaction, or at once outside of one."""
        self._facts[name] = body
        self._facts_changed.add(name)
        if not self._depth:
            self._write({})

    # -- rows

    def all(self, entity: SObject) -> Iterable[Row]:
        return self._tables[entity.name].rows.values()

    def get(self, entity: SObject, record_id: str) -> Row | None:
        return self._tables[entity.name].rows.get(record_id)

    def indexed(self, entity: SObject, field: str) -> bool:
        return field in self._tables[entity.name].indexed

    def find(self, entity: SObject, field: str, value: Any) -> list[Row]:
        """Rows, deleted ones too, with this value in an indexed field."""
        return self._tables[entity.name].find(field, value)

    def live(self, entity: SObject, field: str, value: Any) -> list[Row]:
        return [each for each in self.find(entity, field, value) if not each["IsDeleted"]]

    def put(self, entity: SObject, row: Row) -> None:
        """Set a row; only inside a transaction."""
        assert self._depth, "rows change in transactions only"
        table = self._tables[entity.name]
        self._journal.append((entity.name, row["Id"], table.rows.get(row["Id"])))
        table.replace(row["Id"], row)

    def on_commit(self, listener: Callable[[Sequence[Change]], None]) -> None:
        """Call with the changes of every transaction before it is written; what it keeps is written with them."""
        self._listeners.append(listener)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All or nothing. Inside another one it is a savepoint: an exception takes back this part alone."""
        mark = len(self._journal)
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self._commit()
        except BaseException:
            self._undo(mark)
            raise
        finally:
            self._depth -= 1

    def _undo(self, mark: int) -> None:
        while len(self._journal) > mark:
            name, record_id, old = self._journal.pop()
            self._tables[name].replace(record_id, old)

    def _commit(self) -> None:
        first: dict[str, tuple[str, Row | None]] = {}
        for name, record_id, old in self._journal:
            first.setdefault(record_id, (name, old))
        changes = [
            Change(self.schema[name], record_id, old, self._tables[name].rows[record_id])
            for record_id, (name, old) in first.items()
        ]
        if changes:
            for listener in self._listeners:
                listener(changes)
        self._write({each.id: (each.entity.name, each.after) for each in changes})
        self._journal.clear()

    def _write(self, rows: Mapping[str, tuple[str, Row]]) -> None:
        if rows or self._facts_changed:
            bodies = {
                record_id: (name, {field: frozen(value) for field, value in row.items()})
                for record_id, (name, row) in rows.items()
            }
            self._storage.save(bodies, {name: self._facts[name] for name in self._facts_changed})
            self._facts_changed.clear()
