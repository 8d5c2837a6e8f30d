"""The connection to Postgres: one pool, transactions as context managers, and migrations that run forward only."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote, urlencode

import psycopg
from psycopg.abc import Buffer
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from psycopg.types.array import ListDumper
from psycopg.types.json import Jsonb, set_json_dumps
from psycopg_pool import AsyncConnectionPool
from pydantic_core import to_json

from tieout.store.scope import narrow, scope

Tx = psycopg.AsyncConnection[DictRow]
_MIGRATIONS = Path(__file__).parent / "migrations"
_SEARCH = "-c search_path=tieout"
# Classes of SQLSTATE: a row met twice, data, integrity, deadlocks.
_OF_A_ROW = ("21", "22", "23", "40")


def _dumps(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))


def table(many: Iterable[Mapping[str, Any]]) -> Jsonb:
    """Rows for `jsonb_to_recordset`, written six times as fast as JSON that is kept: a page of thousands feels it. Moments are
    ISO 8601 here, and there as Python says them, which the digests of what is kept know."""
    return Jsonb(list(many), partial(to_json, fallback=str, inf_nan_mode="constants"))


class _Texts(ListDumper):
    """Lists of texts at once: the library's own way takes two microseconds for each, which a page of thousands feels."""

    def dump(self, obj: list[Any]) -> Buffer | None:
        try:
            text = '","'.join(obj)
        except TypeError:  # not all of them are texts
            return super().dump(obj)
        if not text or "\\" in text or "\0" in text or text.count('"') != 2 * (len(obj) - 1):
            return super().dump(obj)
        return f'{{"{text}"}}'.encode()


class _Last(deque[Tx]):
    """The connection that was used last is used next: it has prepared and planned the statements; in turn, all would have to."""

    def popleft(self) -> Tx:
        return self.pop()


class Database:
    """A pool of connections to one Postgres; open it inside the event loop that uses it."""

    def __init__(self, url: str, *, most: int = 20) -> None:
        self.url = url
        self._pool: AsyncConnectionPool[Tx] = AsyncConnectionPool(
            url,
            open=False,
            min_size=1,
            max_size=most,
            kwargs={"row_factory": dict_row, "options": _SEARCH},
            configure=_configure,
            timeout=30,
        )
        self._pool._pool = _Last()  # pyright: ignore[reportPrivateUsage] - the library has no switch for it

    async def open(self) -> None:
        await self._pool.open(wait=True)

    async def close(self) -> None:
        await self._pool.close()

    def use(self) -> dict[str, int]:
        """How the pool is used now: connections in use and idle, the most there may be, and callers that wait for one."""
        found = self._pool.get_stats()
        size, idle = found.get("pool_size", 0), found.get("pool_available", 0)
        return {
            "used": size - idle,
            "idle": idle,
            "most": found.get("pool_max", 0),
            "waiting": found.get("requests_waiting", 0),
        }

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx, None]:
        """Commits when the block ends, rolls back when it raises. It shows what the reader at the moment may see."""
        async with self._borrowed() as connection, connection.transaction():
            entities = scope()
            if entities is not None:
                await narrow(connection, entities)
            yield connection

    @asynccontextmanager
    async def trial(self) -> AsyncGenerator[Trial, None]:
        """A database of which nothing stays: all transactions are parts of one, which is rolled back.

        It sees one snapshot, and waits 5 s at most for what others are changing.
        """
        async with self._borrowed() as connection, connection.transaction(force_rollback=True):
            await connection.execute("set transaction isolation level repeatable read")
            await connection.execute("set local lock_timeout = '5s'")
            yield Trial(self.url, connection)

    @asynccontextmanager
    async def statement(self) -> AsyncGenerator[Tx, None]:
        """For one statement that is a transaction of its own: committed when it is done, in one round trip instead of three."""
        if scope() is not None:
            async with self.transaction() as connection:
                yield connection
            return
        async with self._borrowed() as connection:
            await connection.set_autocommit(True)
            try:
                yield connection
            finally:
                if not connection.closed:
                    await connection.set_autocommit(False)

    def single(self) -> AbstractAsyncContextManager[Tx]:
        """The same where it matters when a hub dies: tests that strike at commits strike here, too."""
        return self.statement()

    @asynccontextmanager
    async def _borrowed(self) -> AsyncGenerator[Tx, None]:
        """A connection of the pool. Whoever is cancelled while it waits for one is cancelled.

        Before Python 3.12, `asyncio.wait_for`, with which the pool waits, returns as if nothing had happened when the
        connection comes in the same moment as the cancellation: whoever was told to end goes on.
        """
        task = asyncio.current_task()
        assert task is not None, "asyncio runs every coroutine in a task"
        before = task.cancelling()
        async with self._pool.connection() as connection:
            if task.cancelling() > before:
                raise asyncio.CancelledError
            yield connection

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[Tx, None]:
        """A connection of its own outside the pool, for session-level locks and for listening; closed at the end."""
        connection = await psycopg.AsyncConnection[DictRow].connect(
            self.url, autocommit=True, row_factory=dict_row, options=_SEARCH
        )
        try:
            yield connection
        finally:
            await connection.close()


class Trial(Database):
    """One connection inside one transaction, used as if it were a pool."""

    def __init__(self, url: str, connection: Tx) -> None:
        super().__init__(url)
        self._connection = connection

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Tx, None]:
        async with self._connection.transaction():
            yield self._connection

    statement = transaction
    single = transaction


def one_line(url: str) -> str:
    """The same address as the libraries read it that know one host before the slash: several stand behind the question mark."""
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    if "," not in parts.get("host", ""):
        return url
    who = ":".join(quote(parts.pop(name), safe="") for name in ("user", "password") if name in parts)
    return f"postgresql://{who}@/{quote(parts.pop('dbname', ''), safe='')}?{urlencode(parts)}"


def blames_a_row(failed: Exception) -> bool:
    """Whether a transaction failed because of what it wrote, or met, and not because the database was away or full.

    Half of what is in it may do without the other half: values and rules that are broken, deadlocks, faults of our own.
    """
    if not isinstance(failed, psycopg.Error):
        return True
    return isinstance(failed, psycopg.DataError | psycopg.IntegrityError) or (failed.sqlstate or "")[:2] in _OF_A_ROW


async def sole(session: Tx, key: int) -> bool:
    """Whether this session is the only one that holds the key; it keeps it until the session ends."""
    found = await row(session, "select pg_try_advisory_lock(%s) as mine", (key,))
    return found is not None and found["mine"]


async def rows(tx: Tx, sql: LiteralString, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
    """All rows of a statement."""
    return list(await (await tx.execute(sql, values)).fetchall())


async def row(tx: Tx, sql: LiteralString, values: Sequence[Any] | Mapping[str, Any] = ()) -> dict[str, Any] | None:
    """The first row of a statement, or None."""
    return await (await tx.execute(sql, values)).fetchone()


async def _configure(connection: Tx) -> None:
    set_json_dumps(_dumps, connection)
    connection.adapters.register_dumper(list, _Texts)


def migrate(url: str, to: str = "head") -> None:
    """Brings the schema to a version, the newest unless told; running it again, or twice at once, changes nothing."""
    from alembic import command  # noqa: PLC0415 - a second of start-up time that only this needs
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = one_line(url)
    command.upgrade(config, to)
