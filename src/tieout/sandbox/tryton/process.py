"""The ERP as a running program: one process that serves one folder's database and cannot outlive whoever started it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import httpx2

from tieout.sandbox.tryton.environment import SandboxFailure
from tieout.sandbox.tryton.tenancy import DATABASE

HOST = "127.0.0.1"
_LEASH = Path(__file__).with_name("leash.py")
_PROBE = b'{"id":1,"method":"common.db.login","params":["nobody",{},"en"]}'
_START_SECONDS = 60
_STOP_SECONDS = 10


class ErpProcess:
    """Started once and stopped once. `log` is the server's own, appended to."""

    def __init__(self, python: Path, folder: Path, *, web: Path | None = None) -> None:
        self.log = folder / "server.log"
        self.url = ""
        self._python = python
        self._folder = folder
        self._web = web
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Raises SandboxFailure when it does not run."""
        if self._process is None:
            raise SandboxFailure("the ERP is not running")
        return self._process.pid

    def start(self, port: int = 0, *, keep: Sequence[int] = ()) -> int:
        """The port it listens on, once the database answers; 0 asks for a free one. `keep` are descriptors it holds open.

        Raises SandboxFailure with the end of the log when it does not start, OSError when the port is taken.
        """
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind((HOST, port))
            door.listen(128)
            port = door.getsockname()[1]
            self.url = f"http://{HOST}:{port}"
            self._spawn(door.fileno(), keep)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return port

    def stop(self) -> None:
        """Ends the server; what it had not committed is rolled back. Stopping twice is nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()

    def _spawn(self, door: int, keep: Sequence[int]) -> None:
        environment = settings_for(self._folder) | {"TRYTOND_DATABASE_NAMES": DATABASE}
        if self._web is not None:
            environment["TRYTOND_WEB__ROOT"] = str(self._web)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._python), "-I", str(_LEASH), "trytond.application:app", str(door)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
                pass_fds=[door, *keep],
                start_new_session=True,  # Ctrl-C in the terminal is for the parent, which then ends us in order
            )

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        with httpx2.Client(base_url=self.url, timeout=_START_SECONDS, trust_env=False) as client:
            while self._process is not None and self._process.poll() is None and time.monotonic() < deadline:
                try:
                    # Asks the database, not the server, which would come up without one too.
                    answer = client.post(
                        f"/{DATABASE}/rpc/", content=_PROBE, headers={"Content-Type": "application/json"}
                    )
                except httpx2.TransportError:
                    time.sleep(0.05)
                    continue
                told = answer.json()["error"][0] if answer.status_code == 200 else ""
                if told == "LoginException":  # it looked for the user, and asks for the password
                    return
                if told:
                    raise SandboxFailure(f"the ERP's database in {self._folder} does not open: {told}")
                time.sleep(0.05)
        raise SandboxFailure(f"the ERP does not start; the end of {self.log}:\n{_tail(self.log)}")


def settings_for(folder: Path) -> dict[str, str]:
    """Tryton's options as its environment variables: the database is a file in the folder, and sessions last a day.

    The folder must be absolute: that is how SQLite wants it.
    """
    return {
        "TRYTOND_DATABASE__URI": "sqlite://",
        "TRYTOND_DATABASE__PATH": str(folder),
        "TRYTOND_SESSION__TIMEOUT": "86400",
        "TRYTOND_DATABASE__RETRY": "1",  # a lock is the client's to wait for, not the only thread's
    }


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
