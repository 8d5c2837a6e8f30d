"""Copies of a whole database: a fresh one for each test, and for each rehearsal, in a few hundredths of a second."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo


@contextmanager
def copy_of(url: str, name: str) -> Generator[str, None, None]:
    """Yields the address of a copy of the database at `url`, which nobody may be using; drops the copy at the end."""
    template = str(conninfo_to_dict(url)["dbname"])
    with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as server:
        server.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        try:
            yield url.replace(f"/{template}?", f"/{name}?")
        finally:
            server.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
