"""How old the schema of a database is, and which migrations would bring it up to date."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

_MIGRATIONS = Path(__file__).parent / "migrations"
_PATIENCE = 5


class Unreachable(Exception):
    """No database answers at the address; the text names the server, never the password."""


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The migration that ran last (None in an empty database) and those that have not run, in their order.

    `ahead` says that the database was migrated by a newer Tieout than this one.
    """

    current: str | None
    newest: str
    pending: tuple[str, ...]
    ahead: bool = False

    @property
    def up_to_date(self) -> bool:
        return not self.pending and not self.ahead


def schema_state(url: str) -> SchemaState:
    """Asks the database. Raises Unreachable when it cannot be asked."""
    try:
        with psycopg.connect(url, connect_timeout=_PATIENCE) as connection:
            current = _version(connection)
    except psycopg.OperationalError as away:
        raise Unreachable(f"{_server(url)} does not answer: {_words(away)}") from away
    except psycopg.ProgrammingError:
        # libpq quotes the address in its complaint, and the password with it.
        raise Unreachable(
            "the address of the database must be written as postgresql://user:password@host/name"
        ) from None
    return compared(current)


def _version(connection: psycopg.Connection) -> str | None:
    there = connection.execute("select to_regclass('tieout.schema_version') is not null").fetchone()
    if there is None or not there[0]:
        return None
    found = connection.execute("select version_num from tieout.schema_version").fetchone()
    return str(found[0]) if found else None


def compared(current: str | None) -> SchemaState:
    """What this Tieout makes of a database whose last migration is `current`."""
    known = _line()
    if current is not None and current not in known:
        return SchemaState(current, list(known)[-1], (), ahead=True)
    pending = [f"{each} {known[each]}" for each in known if current is None or each > current]
    return SchemaState(current, list(known)[-1], tuple(pending))


def _line() -> dict[str, str]:
    """Every migration in its order: revision → title. The files say it: v0001_foundation.py is 0001, the foundation."""
    names = sorted(each.stem for each in (_MIGRATIONS / "versions").glob("v[0-9]*_*.py"))
    pairs = [name.removeprefix("v").partition("_") for name in names]
    return {revision: title.replace("_", " ") for revision, _, title in pairs}


def _server(url: str) -> str:
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "the database"
    place = f"{parts['host']}:{parts['port']}" if "port" in parts and "host" in parts else parts.get("host", "")
    return f"the database {parts.get('dbname', '')} at {place or 'this machine'}"


def _words(error: Exception) -> str:
    said = " ".join(str(error).split()).partition(" Is the server running")[0]
    return said.removeprefix("connection failed: ")
