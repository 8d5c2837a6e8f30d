"""A prepared database that every start copies: activated and furnished once, kept under a fingerprint of all that made it."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sqlite3
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tieout.connectors.tryton.client import TrytonClient
from tieout.sandbox import firm
from tieout.sandbox.tryton import founding, staffing
from tieout.sandbox.tryton.environment import LOCK, Progress, SandboxFailure, alone, fingerprint, python_of, run
from tieout.sandbox.tryton.process import ErpProcess, settings_for
from tieout.sandbox.tryton.tenancy import ADMINISTRATOR, DATABASE, Login, Tenancy

# No project_invoice on purpose: its button would bill the hours that the hub bills.
MODULES = ("project_revenue", "timesheet_cost", "analytic_invoice", "account_deposit")
# The modules that decide what the template is: a change in any of them makes another one.
FOUNDERS = ("billing", "founding", "rights", "staffing", "template", "tenancy")
_DATABASE_FILE = f"{DATABASE}.sqlite"
_TENANCY_FILE = "tenancy.json"


@dataclass(frozen=True, slots=True)
class Template:
    """A furnished ERP that nobody has worked in yet, and the interpreter that runs it."""

    python: Path
    folder: Path
    tenancy: Tenancy

    def settle(self, folder: Path, *, fresh: bool) -> Tenancy:
        """Makes sure that the folder has a database; one that is there is kept unless `fresh`. Returns who may enter it.

        Raises SandboxFailure when the one that is there was made by other packages than those that would serve it.
        """
        database, tenancy = folder / _DATABASE_FILE, folder / _TENANCY_FILE
        if fresh:
            for old in folder.glob(f"{_DATABASE_FILE}*"):
                old.unlink()
        if not database.exists():
            _copy(self.folder / _TENANCY_FILE, tenancy)
            _copy(self.folder / _DATABASE_FILE, database)
        there = Tenancy.model_validate_json(tenancy.read_bytes())
        if there.lock != self.tenancy.lock:
            raise SandboxFailure(f"the ERP's database in {folder} belongs to another release of the ERP: start fresh")
        return there


def build(cache: Path, progress: Progress = lambda _: None, *, description: Path = firm.DESCRIPTION) -> Template:
    """The template for the firm, from the cache or made now (about half a minute). Blocks; call it outside an event loop.

    Several processes may call it for one cache: one builds, the others wait. Raises SandboxFailure.
    """
    cache = cache.resolve()
    with alone(cache / ".lock", progress, waiting="waiting for another process that builds the ERP"):
        python = python_of(cache, progress)
        folder = cache / f"template-{_fingerprint(python, description)}"
        if not folder.exists():
            _make(python, folder, description, progress)
        return Template(python, folder, Tenancy.model_validate_json((folder / _TENANCY_FILE).read_bytes()))


def _fingerprint(python: Path, description: Path) -> str:
    made_by = [Path(__file__).with_name(f"{each}.py").read_bytes() for each in FOUNDERS]
    return fingerprint(str(python.parent.parent.name).encode(), description.read_bytes(), *made_by)


def _make(python: Path, folder: Path, description: Path, progress: Progress) -> None:
    started = time.monotonic()
    password = secrets.token_urlsafe(18)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as work:
        workshop = Path(work)
        progress("activating the ERP's modules")
        _activate(python, workshop, password)
        progress("founding the companies: charts of accounts, fiscal years, taxes, people")
        tenancy = _furnish(python, workshop, description, password)
        finished = workshop / "finished"
        finished.mkdir()
        with closing(sqlite3.connect(workshop / _DATABASE_FILE)) as database:
            database.execute("vacuum into ?", (str(finished / _DATABASE_FILE),))
        (finished / _TENANCY_FILE).touch(0o600)
        (finished / _TENANCY_FILE).write_text(tenancy.model_dump_json(indent=1), encoding="utf-8")
        finished.rename(folder)
    progress(f"the ERP is ready to be copied ({time.monotonic() - started:.0f} s)")


def _activate(python: Path, workshop: Path, password: str) -> None:
    (workshop / _DATABASE_FILE).touch()  # Tryton wants the empty file to be there
    secret = workshop / "password"
    secret.touch(0o600)
    secret.write_text(password, encoding="utf-8")
    command = [python, python.with_name("trytond-admin"), "-d", DATABASE, "-u", *MODULES, "--activate-dependencies"]
    environment = settings_for(workshop) | {"TRYTONPASSFILE": str(secret)}
    run("activating the ERP's modules", [*command, "--email", "admin@kestrel.example"], environment)


def _furnish(python: Path, workshop: Path, description: Path, password: str) -> Tenancy:
    process = ErpProcess(python, workshop)
    process.start()
    try:
        # In a thread of its own, with a loop of its own: whoever builds may stand in a loop already.
        with ThreadPoolExecutor(1) as aside:
            return aside.submit(asyncio.run, _bootstrap(process.url, description, password)).result()
    finally:
        process.stop()


async def _bootstrap(url: str, description: Path, password: str) -> Tenancy:
    kestrel = firm.load(description)
    erp = TrytonClient.at(url, database=DATABASE, user=ADMINISTRATOR, password=password)
    try:
        books = await founding.found(erp, kestrel)
        logins = await staffing.staff(erp, kestrel, books)
    finally:
        await erp.close()
    admin = Login(user=ADMINISTRATOR, password=password, role="admin", name="Administrator")
    return Tenancy(
        lock=fingerprint(LOCK.read_bytes()),
        companies={each.code: each.name for each in kestrel.entities},
        logins={each.user: each for each in (admin, *logins)},
    )


def _copy(source: Path, target: Path) -> None:
    """Whoever looks sees nothing or all of it."""
    draft = target.with_name(f".{target.name}.draft")
    shutil.copy(source, draft)
    draft.replace(target)
