"""The command line's root: it names the commands and wires nothing before one is called."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="tieout", no_args_is_help=True, help="From won deal to paid invoice: nothing lost, nothing doubled."
)


def main() -> None:
    app()
