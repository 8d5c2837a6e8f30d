"""The file in which a sandbox account survives a restart, written request by request."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS record (collection TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (collection, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""


class Storage:
    """One SQLite file, or nothing at all where the path is None. A commit is one transaction of the file."""

    def __init__(self, path: Path | None) -> None:
        self._file: sqlite3.Connection | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # A killed process loses nothing; only a machine that loses power may lose a sandbox's last moments.
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            self._file.executescript(_TABLES)

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        if self._file is not None:
            for collection, body in self._file.execute("SELECT collection, body FROM record ORDER BY collection, id"):
                yield collection, json.loads(body)

    def facts(self) -> dict[str, Any]:
        if self._file is None:
            return {}
        return {name: json.loads(body) for name, body in self._file.execute("SELECT name, body FROM fact")}

    def save(self, rows: Mapping[tuple[str, str], Mapping[str, Any] | None], facts: Mapping[str, Any]) -> None:
        """Keep the rows by collection and id; a row that is None is gone."""
        if self._file is None:
            return
        self._file.execute("BEGIN IMMEDIATE")
        try:
            for key, row in rows.items():
                if row is None:
                    self._file.execute("DELETE FROM record WHERE collection = ? AND id = ?", key)
                else:
                    self._file.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (*key, json.dumps(row)))
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
