"""`replay`: begins a held or finished run again; what it did before is not done twice."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from tieout.cli.speech import AsJson, InTheNameOf, document, line

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

_HOLD = re.compile(r"(?:[Hh]-)?\d{1,18}")


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout replay H-20401 --all")(replay)


def replay(
    what: Annotated[str, typer.Argument(metavar="HOLD|RUN", help="H-20401, or the id of a run.")],
    every: Annotated[bool, typer.Option("--all", help="Every run that waits for the same reason.")] = False,
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Begin a run again, after its reason to wait is gone. What it has done already is found, and not done twice."""
    from tieout.cli.desk import Desk, actor, at_desk
    from tieout.cli.holds import number_of

    async def work(desk: Desk) -> tuple[str, ...]:
        if _HOLD.fullmatch(what):
            done = await desk.operator.replay_hold(number_of(what), actor=actor(name), all_of_cause=every)
        else:
            done = await desk.operator.replay_run(what, actor=actor(name))
        return done.runs

    runs = at_desk(work)
    if as_json:
        document({"runs": runs})
        return
    for each in runs:
        line(f"→ {each}")
    line(f"{len(runs)} {'run begins' if len(runs) == 1 else 'runs begin'} again as soon as a worker is free.")
