"""The private Postgres comes back after its machine lost its power, whatever its old process number is now."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from tieout.store.embedded import embedded_postgres


@pytest.fixture
def stranger() -> Generator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with it."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def power_cut(folder: Path) -> None:
    server = psutil.Process(int((folder / "postmaster.pid").read_text().splitlines()[0]))
    for each in (server, *server.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            each.kill()


def test_a_number_that_is_somebody_elses_by_now_is_neither_believed_nor_stopped(
    tmp_path: Path, stranger: subprocess.Popen[bytes]
) -> None:
    folder = tmp_path / "postgres"
    with suppress(subprocess.SubprocessError, psutil.Error), embedded_postgres(folder):
        power_cut(folder)
    locks = [folder / "postmaster.pid", *folder.glob(".s.PGSQL.*.lock")]
    assert len(locks) == 2
    for lock in locks:
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
    with embedded_postgres(folder) as url, psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert stranger.poll() is None


def test_a_server_that_others_use_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    user = "import sys, pathlib, tieout.store.embedded as e\nwith e.embedded_postgres(pathlib.Path(sys.argv[1])): pass"
    with embedded_postgres(folder) as url:
        before = (folder / "postmaster.pid").read_text()
        subprocess.run([sys.executable, "-c", user, str(folder)], check=True)
        assert (folder / "postmaster.pid").read_text() == before
        with psycopg.connect(url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_the_server_has_our_settings_and_its_owner_the_last_word(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    with embedded_postgres(folder) as url, psycopg.connect(url, autocommit=True) as connection:
        assert shown(connection, "shared_buffers") == "256MB"
        assert shown(connection, "fsync") == shown(connection, "full_page_writes") == "on"
        connection.execute("alter system set shared_buffers = '64MB'")
    with embedded_postgres(folder) as url, psycopg.connect(url) as connection:
        assert (shown(connection, "shared_buffers"), shown(connection, "max_wal_size")) == ("64MB", "4GB")


def test_a_folder_of_before_has_them_from_its_next_start_on(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    with embedded_postgres(folder):
        pass
    (folder / "tieout.conf").unlink()
    main = folder / "postgresql.conf"
    main.write_text(main.read_text().replace("include_if_exists = 'tieout.conf'", ""))
    for _ in range(2):
        with embedded_postgres(folder) as url, psycopg.connect(url) as connection:
            assert shown(connection, "shared_buffers") == "256MB"
    assert main.read_text().count("tieout.conf") == 1


def shown(connection: psycopg.Connection, name: str) -> str:
    (value,) = connection.execute(f"show {name}").fetchone() or ("",)  # type: ignore[arg-type]
    return str(value)
