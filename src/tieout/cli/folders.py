"""`init`, `check`, `plan` and `apply`: the firm folder from its first file to the firm in force."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.exits import Complaint, Exit, Stop
from tieout.cli.refusals import located
from tieout.cli.speech import AsJson, InTheNameOf, document, line

if TYPE_CHECKING:
    from tieout.domain.firm import Firm
    from tieout.settings import Settings
    from tieout.store.database import Tx
    from tieout.store.schema import SchemaState

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

_Folder = Annotated[
    Path | None, typer.Argument(metavar="[FOLDER]", help="The firm folder; left out, TIEOUT_FOLDER or this folder.")
]


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout init acme --name 'Acme Advisory' --currency EUR --entity DE")(init)
    app.command(epilog="Example: tieout check acme && echo 'nothing to correct'")(check)
    app.command(epilog="Example: tieout plan acme --json | jq -r '.changes[]'")(plan)
    app.command(epilog="Example: tieout apply acme --as anna.fischer@acme.example")(apply)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write it; made when it is not there.")] = Path(),
    name: Annotated[str, typer.Option(help="The name of the firm.")] = "My Firm",
    entity: Annotated[str, typer.Option(help="The code of the first legal entity.")] = "US",
    currency: Annotated[str, typer.Option(help="Its currency, as ISO 4217 writes it.")] = "USD",
    as_json: AsJson = False,
) -> None:
    """Write a first firm folder: small, commented, and right as it stands. Nothing that is there is overwritten."""
    from tieout.folder.scaffolding import scaffold

    try:
        files = scaffold(folder, name, entity=entity, currency=currency)
    except FileExistsError as there:
        raise Stop(
            Exit.PROBLEM,
            Complaint(f"{there}.".capitalize(), str(folder), "Name another folder, or edit the one that is there."),
        ) from there
    shown = [str(each.relative_to(folder)) for each in files]
    if as_json:
        document({"folder": str(folder), "files": shown})
        return
    line(f"Wrote the firm folder {folder}:")
    for each in shown:
        line(f"  {each}")
    line(
        "Next: edit tieout.yaml, fill secrets.env, then `tieout check`, `tieout migrate`, `tieout plan`, `tieout apply`."
    )


def check(folder: _Folder = None, as_json: AsJson = False) -> None:
    """Say everything that is wrong with the firm folder and the secrets of its connections, each with file and line."""
    from tieout.cli.desk import now
    from tieout.domain.working_days import running_out
    from tieout.folder.loading import check as mistakes
    from tieout.folder.loading import load

    where = _folder(folder)
    found = mistakes(where, os.environ)
    if found:
        if as_json:
            document({"folder": str(where), "findings": [each.as_dict() for each in found]})
            raise typer.Exit(Exit.CONFIGURATION)
        raise Stop(Exit.CONFIGURATION, *map(located, found))
    hints = running_out(load(where).calendars, now().date())
    if as_json:
        document({"folder": str(where), "findings": [], "hints": hints})
        return
    line(f"✓ {where} is in order.")
    for each in hints:
        line(f"· calendars/: {each}.")


def plan(folder: _Folder = None, as_json: AsJson = False) -> None:
    """Show what `apply` would change in the firm in force, and which migrations of the database are still to be run."""
    from tieout.cli.desk import address, settings
    from tieout.domain.firm_changes import changes
    from tieout.store.schema import schema_state

    wanted = _wanted(_folder(folder))
    if _no_database(settings()):
        pending, ahead, current = ["all of them: there is no database yet"], False, None
    else:
        with address(settings()) as url:
            state = schema_state(url)
            pending, ahead = list(state.pending), state.ahead
            current = _in_force(url, state)
    found = changes(current, wanted)
    if as_json:
        document({"changes": found, "migrations": pending, "database_is_newer": ahead})
        return
    _say("Migrations that `tieout migrate` would run", pending, "The schema of the database is up to date.")
    _say("Changes that `tieout apply` would make", found, "The firm in force is what the folder says already.")


def apply(
    folder: _Folder = None,
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Make the firm folder the firm in force and let everything go on that waited for the change."""
    from tieout.cli.desk import Desk, actor, at_desk
    from tieout.domain.firm_changes import changes

    wanted = _wanted(_folder(folder))

    async def work(desk: Desk) -> tuple[list[str], int | None]:
        async with desk.database.transaction() as tx:
            before = await _current(tx)
        version = await desk.operator.apply_firm(wanted, actor=actor(name))
        return changes(before, wanted), version

    found, version = at_desk(work, or_demo=False)
    if as_json:
        document({"version": version, "changed": version is not None, "changes": found})
        return
    if version is None:
        line("The firm in force is what the folder says already.")
        return
    _say(f"Version {version} of the firm {wanted.name} is in force", found, "")


def _folder(given: Path | None) -> Path:
    from tieout.cli.desk import settings

    folder = given if given is not None else settings().folder
    return Path.cwd() if folder == Path() else folder


def _wanted(folder: Path) -> Firm:
    from tieout.folder.loading import load

    return load(folder)


def _no_database(settings: Settings) -> bool:
    from tieout.cli.desk import made

    return settings.database_url is None and not made(settings.home / "postgres")


def _in_force(url: str, state: SchemaState) -> Firm | None:
    import asyncio

    from tieout.cli.desk import desk_on

    if state.current is None:
        return None

    async def read() -> Firm | None:
        async with desk_on(url) as desk, desk.database.transaction() as tx:
            return await _current(tx)

    return asyncio.run(read())


async def _current(tx: Tx) -> Firm | None:
    """The firm in force; None when there is none, or one that was written by another Tieout and cannot be compared."""
    from pydantic import ValidationError

    from tieout.domain.firm import Firm
    from tieout.store import firm

    stored = await firm.current(tx)
    try:
        return Firm.model_validate(stored["content"]) if stored else None
    except ValidationError:
        return None


def _say(title: str, lines: Sequence[str], nothing: str) -> None:
    if not lines:
        line(nothing)
        return
    line(f"{title}:")
    for each in lines:
        line(f"  {each}")
