"""`migrate`: brings the schema of the database up to date, forward only."""

from __future__ import annotations

import typer

from tieout.cli.speech import AsJson, document, line, progress

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout migrate && tieout apply")(migrate)


def migrate(as_json: AsJson = False) -> None:
    """Make the tables, or bring them up to date; without TIEOUT_DATABASE_URL in a private Postgres in the home folder."""
    from tieout.cli.desk import address, described, remedy, settings
    from tieout.cli.exits import Exit, stop
    from tieout.store.database import migrate as upgrade
    from tieout.store.schema import schema_state

    with progress("Opening the database"), address(settings(), create=True) as url:
        before = schema_state(url)
        if before.ahead:
            raise stop(Exit.CONFIGURATION, described(before), where="the database", fix=remedy(before))
        for each in before.pending:
            with progress(f"Running {each}"):
                pass
        upgrade(url)
        after = schema_state(url)
    if as_json:
        document({"before": before.current, "now": after.current, "ran": list(before.pending)})
        return
    for each in before.pending:
        line(f"✓ {each}")
    line(described(after))
