"""The command line's root: it names the commands and wires nothing before one is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from tieout.cli import (
    approvals,
    contract,
    corrections,
    events,
    evidence,
    folders,
    forecast,
    holds,
    lending,
    limits,
    lineage,
    lookup,
    migrate,
    notify,
    overrides,
    payers,
    plans,
    recover,
    replay,
    sandbox,
    serve,
    simulate,
    status,
    token,
    usage,
    values,
)
from tieout.cli.demo import command
from tieout.cli.exits import MEANING, Exit
from tieout.cli.refusals import explained
from tieout.cli.speech import complain, line

_GROUPS = (
    command,
    sandbox,
    folders,
    migrate,
    serve,
    simulate,
    status,
    forecast,
    lookup,
    lineage,
    contract,
    events,
    evidence,
    holds,
    overrides,
    approvals,
    corrections,
    lending,
    limits,
    payers,
    replay,
    plans,
    recover,
    usage,
    values,
    notify,
    token,
)


def main() -> None:
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Carries out one command line and returns its exit code; what went wrong has been said by then."""
    as_json, debug = "--json" in arguments, "--debug" in arguments
    try:
        commands()(list(arguments), prog_name="tieout")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.OK
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:  # a person gets words; whoever wants the traceback says so
        if debug:
            raise
        stop = explained(error)
        complain(stop, as_json=as_json)
        return stop.code
    return Exit.OK


def commands() -> typer.Typer:
    """Every command, not wired to anything yet."""
    app = typer.Typer(
        name="tieout",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="From won deal to paid invoice: nothing lost, nothing doubled.",
        epilog="Exit codes: " + " · ".join(f"{int(code)} {meaning}" for code, meaning in MEANING.items()),
    )
    app.callback()(_root)
    for group in _GROUPS:
        group.add_to(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - nobody else needs it

        line(f"tieout {version('tieout')}")
        raise typer.Exit


def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks instead of explanations.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Say which Tieout this is.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    pass
