"""Two Postgres servers on loopback, one the standby of the other, that can be killed, promoted and made anew."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

from tieout.store.database import migrate
from tieout.store.restoring import hand_over, server_tool

_PATIENCE = 30.0


@dataclass(slots=True)
class Server:
    """One server: its data folder and its port."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/tieout"

    def start(self) -> None:
        server_tool("pg_ctl", "-D", self.folder, "-l", self.folder / "log", "-w", "start")

    def promote(self) -> None:
        server_tool("pg_ctl", "-D", self.folder, "-w", "promote")

    def kill(self) -> None:
        """kill -9, all at once: what a dead machine does."""
        for each in self.processes():
            with suppress(psutil.NoSuchProcess):
                each.kill()

    def processes(self) -> list[psutil.Process]:
        lock = self.folder / "postmaster.pid"
        if not lock.exists():
            return []
        with suppress(psutil.NoSuchProcess):
            postmaster = psutil.Process(int(lock.read_text().splitlines()[0]))
            return [postmaster, *postmaster.children(recursive=True)]
        return []

    def stop_receiving(self) -> None:
        """A standby falls behind: it takes in no more log."""
        self.ask("alter system set primary_conninfo = ''")
        self.ask("select pg_reload_conf()")
        while self.ask("select from pg_stat_wal_receiver"):
            time.sleep(0.05)

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return list(found.fetchall()) if found.description else []


@dataclass(slots=True)
class Pair:
    """`url` names both; whoever connects reaches the one that can be written to."""

    home: Path
    synchronous: bool
    primary: Server
    standby: Server | None = None
    archive: Path | None = None
    _made: int = field(default=0)
    _ports: tuple[int, int] = (0, 0)

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._ports)
        return f"postgresql://postgres@{hosts}/tieout?target_session_attrs=read-write&connect_timeout=3"

    def add_standby(self) -> None:
        """Copies the primary and follows it; with `synchronous`, commits wait for it from when this returns."""
        self._made += 1
        port = next(each for each in self._ports if each != self.primary.port)
        standby = Server(self.home / f"server-{self._made}", port)
        server_tool("pg_basebackup", "-D", standby.folder, "-R", "-X", "stream", "-c", "fast", "-d", self._admin())
        _configure(standby, {"port": str(port), "synchronous_standby_names": ""})
        standby.start()
        if self.synchronous:
            self.primary.ask("alter system set synchronous_standby_names = '*'")
            self.primary.ask("select pg_reload_conf()")
        wanted = "sync" if self.synchronous else "async"
        deadline = time.monotonic() + _PATIENCE
        while self.primary.ask("select sync_state from pg_stat_replication where state = 'streaming'") != [(wanted,)]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no {wanted} standby after {_PATIENCE:.0f} s")
            time.sleep(0.05)
        self.standby = standby

    def fail_over(self) -> None:
        """The primary dies, the standby takes over, and nothing is left of the old one."""
        assert self.standby is not None
        dead = self.primary
        dead.kill()
        self.standby.promote()
        self.primary, self.standby = self.standby, None
        shutil.rmtree(dead.folder, ignore_errors=True)

    def back_up(self, to: Path) -> None:
        server_tool("pg_basebackup", "-D", to, "-X", "stream", "-c", "fast", "-d", self._admin())

    def _admin(self) -> str:
        return f"host=127.0.0.1 port={self.primary.port} user=postgres"


@contextmanager
def pair(home: Path, *, synchronous: bool, archiving: bool = False) -> Generator[Pair]:
    """A migrated primary; the standby is added when it is asked for."""
    home.chmod(0o755)
    ground = home / "servers"
    ground.mkdir()
    hand_over(ground)
    ports = (_free_port(), _free_port())
    primary = Server(ground / "server-0", ports[0])
    archive = ground / "archive" if archiving else None
    server_tool("initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", primary.folder)
    settings = {
        "port": str(ports[0]), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(ground),
        "wal_retrieve_retry_interval": "200ms",
    }  # fmt: skip
    if archive is not None:
        archive.mkdir()
        hand_over(archive)
        settings |= {"archive_mode": "on", "archive_command": f'cp "%p" "{archive}/%f"'}
    _configure(primary, settings)
    primary.start()
    with psycopg.connect(f"host=127.0.0.1 port={ports[0]} user=postgres dbname=postgres", autocommit=True) as admin:
        admin.execute("create database tieout")
    migrate(primary.url)
    made = Pair(ground, synchronous, primary, archive=archive, _ports=ports)
    try:
        yield made
    finally:
        for each in (made.standby, made.primary):
            if each is not None:
                each.kill()


def _configure(server: Server, settings: dict[str, str]) -> None:
    file = server.folder / "postgresql.auto.conf"
    file.write_text(file.read_text() + "".join(f"{name} = '{value}'\n" for name, value in settings.items()))
    if os.geteuid() == 0:
        hand_over(server.folder)


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]
