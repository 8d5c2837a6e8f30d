"""For whom the hub reads at the moment: within `seen_by`, every statement finds the rows of some legal entities alone.

Under the names of the tables stand views then, those of the schema `tieout_scoped`; `visible` says what each shows.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from psycopg import sql

_SCOPE: ContextVar[frozenset[str] | None] = ContextVar("legal entities of the reader", default=None)


@contextmanager
def seen_by(entities: Iterable[str] | None) -> Generator[None]:
    """What is read in this block is read for somebody who sees these legal entities; None: for somebody who sees all."""
    before = _SCOPE.set(None if entities is None else frozenset(entities))
    try:
        yield
    finally:
        _SCOPE.reset(before)


def scope() -> frozenset[str] | None:
    """The legal entities of whoever asks at the moment; None is all of them."""
    return _SCOPE.get()


async def narrow(tx: psycopg.AsyncConnection[Any], entities: Iterable[str]) -> None:
    """Until the transaction ends or is widened, it sees what belongs to these entities."""
    names = sql.Literal(",".join(sorted(entities)))
    # Not a query: the caller may still choose how isolated the transaction is.
    await tx.execute(sql.SQL("set local search_path = tieout_scoped; set local tieout.scope = {}").format(names))


async def widen(tx: psycopg.AsyncConnection[Any]) -> None:
    """From here on the transaction does the house's own work: what the reader may see was looked at before."""
    if scope() is not None:
        await tx.execute("set local search_path = tieout")
