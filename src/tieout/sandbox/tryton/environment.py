"""An environment of its own for the ERP: installed once from the hashed lock, shared by everybody on this machine.

Tryton is licensed under the GPL. Nothing of it is imported here or shipped with Tieout; it is a separate program that
is spoken to over its network API.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

LOCK = Path(__file__).with_name("requirements.txt")
# A line for a person who waits.
Progress = Callable[[str], None]


class SandboxFailure(Exception):
    """Something that the sandbox needs cannot be had; the message says what, and what to do."""


def python_of(cache: Path, progress: Progress) -> Path:
    """The interpreter that has the ERP installed. Raises SandboxFailure with the installer's own words.

    Only one process at a time may call it for a cache: hold `alone`.
    """
    folder = cache / f"environment-{fingerprint(LOCK.read_bytes(), sys.version.encode(), sys.base_prefix.encode())}"
    python = folder / "bin" / "python"
    ready = folder / ".ready"
    if not (ready.exists() and python.exists()):
        progress("installing Tryton (GPL-3.0-or-later) from the package index, into an environment of its own")
        shutil.rmtree(folder, ignore_errors=True)
        _install(folder, python)
        ready.touch()
    return python


def fingerprint(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


@contextmanager
def alone(lock: Path, progress: Progress, *, waiting: str) -> Generator[int]:
    """While inside, no other process is. The lock ends with the process, whatever happens; yields its descriptor."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(waiting)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def run(what: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    """Raises SandboxFailure with all that the command said."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SandboxFailure(
            f"{what}: {' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        )


def _install(folder: Path, python: Path) -> None:
    if importlib.util.find_spec("uv") is not None:
        run("the ERP's environment", [sys.executable, "-m", "venv", "--without-pip", folder])
        installer = [sys.executable, "-m", "uv", "pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode"]
        run("the ERP's packages", [*installer, "--python", python, LOCK], {"VIRTUAL_ENV": str(folder)})
    else:  # an installed Tieout without uv: slower, the same packages
        run("the ERP's environment", [sys.executable, "-m", "venv", folder])
        installer = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        run("the ERP's packages", [python, *installer, "-r", LOCK])
