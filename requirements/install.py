"""Prepares .venv from the hashed lock files: the one step between a fresh clone and a running Tieout."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# What the suite needs from the operating system, beside what it takes from the lock files.
DEBIAN = {"dev": {"chromium": "chromium"}, "run": {}}


def main(level: str) -> None:
    started = time.monotonic()
    if sys.version_info < (3, 11):
        sys.exit(f"Tieout needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.")
    lock = ROOT / "requirements" / f"{level}.txt"
    want = fingerprint(lock)
    ready = VENV / f".ready-{level}"
    if not (ready.exists() and ready.read_text() == want and PYTHON.exists()):
        create_environment()
        step(f"packages from {lock.name}", PYTHON, "-m", "uv", "pip", "sync", "-q", "--require-hashes", lock)
        step(
            "tieout itself", PYTHON, "-m", "uv", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "-e", ROOT
        )
        for other in VENV.glob(".ready-*"):
            other.unlink()
        # The development set contains the other one, so a demo after a test run does not install anything.
        for each in ("run", "dev") if level == "dev" else ("run",):
            (VENV / f".ready-{each}").write_text(fingerprint(ROOT / "requirements" / f"{each}.txt"))
    for command, package in DEBIAN[level].items():
        if shutil.which(command) is None:
            install_debian(package)
    if level == "dev":
        install_node_packages()
    if time.monotonic() - started > 1:
        say(f"ready in {time.monotonic() - started:.0f} s")


def fingerprint(lock: Path) -> str:
    parts = (lock.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), str(ROOT).encode(), sys.version.encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def create_environment() -> None:
    if not PYTHON.exists():
        say("creating .venv")
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            if os.geteuid() != 0:
                sys.exit(
                    f"Python cannot create a virtual environment:\n{made.stdout}{made.stderr}\n"
                    "On Debian and Ubuntu the missing package is python3-venv."
                )
            install_debian("python3-venv")
            subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    uv = ROOT / "requirements" / "uv.txt"
    step(
        "the installer",
        PYTHON,
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
        uv,
    )


def install_debian(package: str) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(
            f"The Debian package {package!r} is missing and only root can install it: sudo apt-get install {package}"
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    step("package lists", "apt-get", "update", "-qq", env=environment)
    step(
        f"Debian package {package}",
        "apt-get",
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        package,
        env=environment,
    )


def install_node_packages() -> None:
    """The suite's own node tools (jsforce, axe, pyright), run by the node that comes as a wheel."""
    folder = ROOT / "tests" / "node"
    ready = folder / "node_modules" / ".ready"
    want = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if ready.exists() and ready.read_text() == want:
        return
    step(
        "node packages",
        VENV / "bin" / "npm",
        "ci",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        cwd=folder,
    )
    ready.write_text(want)


def step(title: str, *command: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
    say(title)
    environment = {**(env or os.environ), "VIRTUAL_ENV": str(VENV)}
    path = f"{VENV / 'bin'}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        [str(part) for part in command],
        env={**environment, "PATH": path},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{title}: {' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout}{done.stderr}")


def say(what: str) -> None:
    print(f"· {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
