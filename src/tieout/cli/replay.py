"""`replay`: shows what beginning again would do, asks, and then does exactly that; nothing is done twice."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.speech import AsJson, InTheNameOf, document, line

if TYPE_CHECKING:
    from tieout.cli.desk import Desk
    from tieout.engine.replay import Wanted

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

_HOLD = re.compile(r"(?:[Hh]-)?\d{1,18}")
_DAY = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout replay H-20401 --all --yes")(replay)


def replay(
    what: Annotated[
        list[str] | None, typer.Argument(metavar="[HOLD…|RUN]", help="H-20401, several holds, or the id of a run.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Everything that waits for the same reason as the hold.")
    ] = False,
    step: Annotated[
        str, typer.Option(help="Only for a run: this step once more, where that makes no second one.")
    ] = "",
    flow: Annotated[str, typer.Option(help="Instead of a hold or a run: the runs of this flow …")] = "",
    since: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="… that ended from this moment on (UTC) …")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="… and before this one (UTC).")] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="… and ended as held (the usual), waiting, done or ignored.")
    ] = None,
    as_it_was: Annotated[
        bool, typer.Option("--as-it-was", help="With the firm folder and the value tables of the time it last began.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Confirm the plan at once.")] = False,
    first: Annotated[int | None, typer.Option(min=1, help="Confirm only its first documents, to try it.")] = None,
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Plan a replay, and let it begin when it is confirmed. Without --yes it is only planned, or asked for at a terminal."""
    from tieout.cli.desk import actor, at_desk
    from tieout.cli.plans import conclude, ended, made, number_of, tell
    from tieout.engine.replay import Wanted

    wanted = _wanted(Wanted, what or [], every, step, flow, (since, until), tuple(state or ["held"]), as_it_was)

    async def plan(desk: Desk) -> dict[str, Any]:
        return await made(desk, await desk.replays.ask(wanted, actor=actor(name)))

    async def begin(desk: Desk) -> dict[str, Any]:
        await desk.replays.confirm(number_of(found["plan"]), hash_=found["hash"], actor=actor(name), first=first)
        return await ended(desk, number_of(found["plan"]))

    found = at_desk(plan)
    if not as_json:
        tell(found)
    if yes or (not as_json and sys.stdin.isatty() and typer.confirm("Let it begin?")):
        conclude(at_desk(begin), as_json=as_json)
    elif as_json:
        document(found)
    else:
        line(f"Nothing has begun. To let it begin: tieout plans confirm {found['plan']}")


def _wanted(
    make: type[Wanted],
    what: list[str],
    every: bool,
    step: str,
    flow: str,
    span: tuple[datetime | None, datetime | None],
    states: tuple[str, ...],
    as_it_was: bool,
) -> Wanted:
    from datetime import UTC

    from tieout.cli.exits import Exit, stop
    from tieout.cli.plans import number_of

    if bool(what) == bool(flow):
        raise stop(Exit.USAGE, "Say what to replay: holds, a run, or --flow with --since and --until.")
    unknown = set(states) - {"held", "waiting", "done", "ignored"}
    if unknown:
        raise stop(Exit.USAGE, f"A run does not end as {', '.join(sorted(unknown))}.")
    numbers = [number_of(each) for each in what if _HOLD.fullmatch(each)]
    if len(what) > 1 and (every or len(numbers) < len(what)):
        raise stop(Exit.USAGE, "Several at once are holds, without --all.")
    hold = numbers[0] if len(what) == len(numbers) == 1 else None
    since, until = (each.replace(tzinfo=UTC) if each else None for each in span)
    return make(
        hold=hold, cause=every, holds=tuple(numbers) if len(what) > 1 else (),
        run=what[0] if what and not numbers else "", step=step, flow=flow, since=since, until=until,
        states=states, how="as_it_was" if as_it_was else "as_it_is_now",
    )  # fmt: skip
