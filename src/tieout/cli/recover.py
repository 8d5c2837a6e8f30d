"""`recover` and `drill`: what a database that came back from a failover or a backup must ask the systems again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, InTheNameOf, document, line, progress

if TYPE_CHECKING:
    from tieout.cli.desk import Desk
    from tieout.engine.recollection import Outlook

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

Margin = Annotated[float, typer.Option(min=0, help="Minutes before the gap from which the sources are read again.")]
_MEANING = {
    "A": "sent again under the same key",
    "B": "sent again; the same update twice is one",
    "C": "sent again; a unique field refuses a second one",
    "D": "searched in the target before anything is created",
    "E": "held for a day, for a person to look",
}


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout recover --yes --as anna")(recover)
    app.command(epilog="Example: tieout drill /backups/base --archive /backups/wal --until 2026-11-26T07:30:00Z")(drill)


def recover(
    yes: Annotated[bool, typer.Option("--yes", help="Do it; left out, it is only shown.")] = False,
    margin: Margin = 15,
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Let the hub ask the systems again for what its database may have forgotten.

    After a failover or a restore to a point in time the hub does this by itself. It is for what the server does not show:
    a disk that was put back to an older copy.
    """
    from tieout.cli.desk import actor, at_desk, now
    from tieout.engine.recollection import declare, outlook
    from tieout.engine.rounds import at_rest

    async def work(desk: Desk) -> Outlook:
        found = await outlook(desk.database, now, timedelta(minutes=margin))
        if yes:
            if not await at_rest(desk.database):
                fix = "Stop every `tieout serve` on this database, then say it again."
                raise stop(Exit.PROBLEM, "A hub is at work and would go on from where it is.", fix=fix)
            await declare(desk.database, now, timedelta(minutes=margin), actor=actor(name))
        return found

    found = at_desk(work)
    if as_json:
        document({"done": yes, **_shown(found)})
        return
    _print(found)
    line("Every hub on this database does so from now on." if yes else "Nothing was changed; say --yes to do it.")


def drill(
    backup: Annotated[Path, typer.Argument(help="A base backup as plain files (pg_basebackup).")],
    archive: Annotated[Path | None, typer.Option(help="The folder of archived log files.")] = None,
    until: Annotated[
        str, typer.Option(help="The moment to restore to (ISO 8601); left out, as far as there is log.")
    ] = "",
    database: Annotated[str, typer.Option(help="Its name in the backup.")] = "tieout",
    role: Annotated[str, typer.Option(help="The server's superuser in the backup.")] = "postgres",
    margin: Margin = 15,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into a scratch server and say whether it could be worked with, and what would be asked again.

    Ends with 1 when the restored books do not add up, with 3 when the self-check refuses them or nothing can be restored.
    Nothing else is touched.
    """
    import asyncio
    import tempfile

    from tieout.store.restoring import NotRestored, restored

    moment = _moment(until)
    with tempfile.TemporaryDirectory(prefix="tieout-drill-") as folder:
        Path(folder).chmod(0o755)
        try:
            with (
                progress("Restoring"),
                restored(backup, Path(folder), archive=archive, until=moment, database=database, role=role) as url,
            ):
                found = asyncio.run(_examined(url, timedelta(minutes=margin)))
        except (NotRestored, OSError) as failed:
            fix = "Take a new base backup, and look at the archive: a file may be missing."
            raise stop(Exit.CONFIGURATION, f"Nothing was restored. {failed}", where=str(backup), fix=fix) from failed
    refused = [each for each in found["self_check"] if each.level == "refusal"]
    if as_json:
        document({**found, "outlook": _shown(found["outlook"])})
    else:
        for each in found["self_check"]:
            line(f"{'✓' if each.level == 'ok' else '✗'} {each}")
        broken = found["law_broken"]
        line(
            f"✗ The conservation law is broken in {len(broken)} places." if broken else "✓ The conservation law holds."
        )
        _print(found["outlook"])
    if refused:
        raise typer.Exit(Exit.CONFIGURATION)
    if found["law_broken"]:
        raise typer.Exit(Exit.PROBLEM)


async def _examined(url: str, margin: timedelta) -> dict[str, Any]:
    from tieout.cli.desk import desk_on, now
    from tieout.engine.recollection import outlook
    from tieout.store import messages
    from tieout.store.selfcheck import self_check

    async with desk_on(url) as desk:
        checked = await self_check(desk.database, now)
        if any(each.check == "migrations" and each.level == "refusal" for each in checked):
            fix = "Restore it, run `tieout migrate` there, and drill again; or take a newer backup."
            raise stop(Exit.CONFIGURATION, "The backup has an older schema.", where=url, fix=fix)
        async with desk.database.transaction() as tx:
            law = await messages.conservation(tx)
        broken = [each for each in law if each["missing"] or each["missing_minor"]]
        return {"self_check": checked, "law_broken": broken, "outlook": await outlook(desk.database, now, margin)}


def _moment(told: str) -> datetime | None:
    if not told:
        return None
    try:
        moment = datetime.fromisoformat(told)
    except ValueError as wrong:
        fix = "Write it like 2026-11-26T07:30:00Z."
        raise stop(Exit.USAGE, f"{told} is no moment.", where="--until", fix=fix) from wrong
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _shown(found: Outlook) -> dict[str, Any]:
    return {
        "remembers_until": found.gap.since,
        "feeds": [{"connection": each.connection, "kind": each.kind, "from": each.since} for each in found.feeds],
        "effects": [{**each, "what_is_done": _MEANING[each["guarantee"]]} for each in found.effects],
    }


def _print(found: Outlook) -> None:
    line(f"The database remembers until {found.gap.since:%Y-%m-%d %H:%M:%S %Z}. What would be asked again:")
    for each in found.feeds:
        since = f"since {each.since:%Y-%m-%d %H:%M:%S %Z}" if each.since else "from the beginning"
        line(f"  {each.connection}: {each.kind}, {since}")
    line("What it would make anew, by class:")
    for each in found.effects:
        unknown = f"; the outcome of {each['unknown']} is unknown" if each["unknown"] else ""
        line(f"  {each['guarantee']} ({each['effects']} known{unknown}): {_MEANING[each['guarantee']]}")
