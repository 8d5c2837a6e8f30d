"""Where a command works: the settings, the database behind them, and the operator verbs in somebody's name."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import aside
from tieout.engine.access import Access
from tieout.engine.operator import Operator
from tieout.engine.replay import Replays
from tieout.settings import Settings, read
from tieout.store.ballast import Ballast
from tieout.store.database import Database, Tx
from tieout.store.embedded import embedded_postgres
from tieout.store.schema import SchemaState, schema_state
from tieout.store.selfcheck import Disk

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """A migrated database and everything that acts on it."""

    database: Database
    operator: Operator
    replays: Replays
    access: Access


def now() -> datetime:
    return datetime.now(UTC)


def settings() -> Settings:
    """What the environment says. Raises WrongSettings."""
    return read(os.environ)


def disk(settings: Settings) -> Disk:
    """Where this process writes; a private database has its ballast beside it, the demo's has none."""
    from tieout.api.limits import Limits  # noqa: PLC0415 - for the few commands that look at the disk

    private = settings.database_url is None and made(settings.home / "postgres")
    ballast = Ballast(settings.home / "ballast", settings.ballast_mb * 2**20) if private else None
    return Disk(settings.home, Limits().least_free, ballast)


def actor(named: str) -> str:
    """The name that goes into the books."""
    return named.strip() or getpass.getuser()


@contextmanager
def address(settings: Settings, *, create: bool = False, or_demo: bool = False) -> Generator[str]:
    """The database's address; the private one of the home folder runs while the block lasts, or longer if a hub uses it.

    With `or_demo`, a home that has nothing but a demo is the demo's: whoever tries Tieout out need not say so.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    folder = settings.home / "postgres"
    if or_demo and not made(folder) and made(settings.home / "demo" / "postgres"):
        folder = settings.home / "demo" / "postgres"
        aside("· in the database of the demo")
    if not create and not made(folder):
        raise stop(
            Exit.CONFIGURATION,
            "There is no database yet.",
            where=str(folder),
            fix="Run `tieout migrate` to make a private one here, or set TIEOUT_DATABASE_URL.",
        )
    with embedded_postgres(folder) as url:
        yield url


def made(folder: Path) -> bool:
    """Whether a private Postgres lies there."""
    return (folder / "PG_VERSION").exists()


def migrated(url: str) -> str:
    """The address itself when the schema is as this Tieout needs it. Raises Stop or Unreachable."""
    state = schema_state(url)
    if not state.up_to_date:
        raise stop(Exit.CONFIGURATION, described(state), where="the database", fix=remedy(state))
    return url


def described(state: SchemaState) -> str:
    if state.ahead:
        return f"The database was migrated by a newer Tieout (to {state.current})."
    if state.current is None:
        return "The database has no tables of Tieout yet."
    if state.pending:
        return f"The schema of the database is {state.current}; this Tieout needs {state.newest}."
    return f"The schema of the database is up to date ({state.current})."


def remedy(state: SchemaState) -> str:
    return "Install the newer Tieout." if state.ahead else "Run `tieout migrate`."


def at_desk(work: Callable[[Desk], Awaitable[T]], *, or_demo: bool = True) -> T:
    """Does something in the database of this process's environment."""
    with address(settings(), or_demo=or_demo) as url:
        return asyncio.run(_at(migrated(url), work))


def looked_up(read: Callable[[Tx], Awaitable[T]]) -> T:
    """Reads something in one transaction."""

    async def work(desk: Desk) -> T:
        async with desk.database.transaction() as tx:
            return await read(tx)

    return at_desk(work)


async def _at(url: str, work: Callable[[Desk], Awaitable[T]]) -> T:
    async with desk_on(url) as desk:
        return await work(desk)


@asynccontextmanager
async def desk_on(url: str) -> AsyncGenerator[Desk]:
    database = Database(url, most=4)
    await database.open()
    try:
        yield Desk(database, Operator(database, now), Replays(database, now), Access(database, now))
    finally:
        await database.close()
