"""The file in which a sandbox org survives a restart: rows and a few facts about the org, written commit by commit."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS record (object TEXT NOT NULL, id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""


class Storage:
    """One SQLite file, or nothing at all where the path is None. A commit is one transaction of the file."""

    def __init__(self, path: Path | None) -> None:
        self._file: sqlite3.Connection | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # A killed process loses nothing; only a machine that loses power may lose the last moments of a sandbox.
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            self._file.executescript(_TABLES)

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        if self._file is not None:
            for entity, body in self._file.execute("SELECT object, body FROM record ORDER BY id"):
                yield entity, json.loads(body)

    def facts(self) -> dict[str, Any]:
        if self._file is None:
            return {}
        return {name: json.loads(body) for name, body in self._file.execute("SELECT name, body FROM fact")}

    def save(self, records: Mapping[str, tuple[str, Mapping[str, Any] | None]], facts: Mapping[str, Any]) -> None:
        """Keep the rows by id as (object, row); a row that is None never was. Facts replace those of the same name."""
        if self._file is None:
            return
        self._file.execute("BEGIN IMMEDIATE")
        try:
            for record_id, (entity, row) in records.items():
                if row is None:
                    self._file.execute("DELETE FROM record WHERE id = ?", (record_id,))
                else:
                    self._file.execute(
                        "INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (entity, record_id, json.dumps(row))
                    )
            for name, body in facts.items():
                self._file.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, json.dumps(body)))
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
