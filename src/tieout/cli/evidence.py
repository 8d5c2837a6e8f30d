"""`evidence`: what proves an invoice, in one file; `verify`: checks such a file without the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.exits import Complaint, Exit, Stop, stop
from tieout.cli.speech import AsJson, InTheNameOf, document, line

if TYPE_CHECKING:
    from tieout.cli.desk import Desk
    from tieout.engine.evidence import Pack

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout evidence 2026-0001 --line 3 --for finance -o pack.zip")(evidence)
    app.command(epilog="Example: tieout verify pack.zip")(verify)


def evidence(
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="Its number, our key, or the ERP's id.")],
    target: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; left out, a name of its own here.")
    ] = None,
    line_: Annotated[str, typer.Option("--line", metavar="N", help="One line alone.")] = "",
    entity: Annotated[str, typer.Option("--entity", help="Whose invoice, where two entities have the number.")] = "",
    reader: Annotated[
        str, typer.Option("--for", metavar="ROLE", help="What this role may not see is withheld.")
    ] = "viewer",
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Puts what proves an invoice into one file: for people, for machines, and checkable by anybody with `tieout verify`."""
    from tieout.cli.desk import actor, at_desk, now
    from tieout.domain.access import Actor, roles_of
    from tieout.engine.evidence import evidence_pack

    try:
        roles = roles_of([reader])
    except ValueError as wrong:
        raise stop(Exit.USAGE, f"{wrong}.") from wrong
    who = Actor(actor(name), actor(name), roles)

    async def make(desk: Desk) -> Pack:
        return await evidence_pack(desk.database, now, invoice, reader=who, line=line_, entity=entity)

    pack = at_desk(make)
    path = target or Path(pack.name)
    try:
        path.write_bytes(pack.data)
    except OSError as wrong:
        raise stop(Exit.USAGE, f"The pack cannot be written: {wrong.strerror}.", where=str(path)) from wrong
    if as_json:
        document({"file": str(path), "bytes": len(pack.data), "seal": pack.seal})
    else:
        line(f"{path}  {len(pack.data):,} bytes, sealed as {pack.seal}")


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An evidence pack.", exists=True, dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Checks an evidence pack by itself: every digest, the audit chain, every sum. Ends with 1 when anything was changed."""
    from tieout.domain.evidence.checking import check

    checked = check(file.read_bytes())
    if not checked.good:
        raise Stop(Exit.PROBLEM, *(Complaint(each.what, where=f"{file}, {each.part}") for each in checked.findings))
    facts = checked.facts
    assert facts is not None, "a pack without facts is not good"
    entries = sum(len(each.entries) for each in facts.lines)
    if as_json:
        told = {"invoice": facts.invoice.number or facts.invoice.key, "lines": len(facts.lines), "entries": entries}
        document({**told, "audit_entries": checked.links, "seal": checked.sealed, "made_by": facts.made_by})
        return
    line(f"✓ {file}: invoice {facts.invoice.number or facts.invoice.key}, lines {len(facts.lines)}, entries {entries}")
    line(f"  every digest, {checked.links} audit entries and every sum are right")
    line(f"  made for {facts.made_by} at {facts.made_at.isoformat()}, sealed as {checked.sealed}")
    line(
        "  The hub's audit log has an entry with this hash, or the pack is not the hub's: tieout lookup … --json, GET /api/v1/audit"
    )
