"""`simulate`: a firm of any size and its time at month-end, from a seed, to size and measure a hub with."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tieout.cli.speech import AsJson, aside, document

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


class Form(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout simulate --consultants 500 --months 1 --seed 7 --to firm/")(simulate)


def simulate(
    consultants: Annotated[int, typer.Option(min=1, max=999_999, help="How many people book time.")],
    months: Annotated[int, typer.Option(min=1, max=60, help="How many months, from January 2026 on.")] = 1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    dirty: Annotated[
        float, typer.Option(min=0, max=1, help="The share of entries with something wrong in them.")
    ] = 0.02,
    to: Annotated[Path | None, typer.Option(help="A folder for the files; left out, it only counts.")] = None,
    form: Annotated[Form, typer.Option("--format", help="JSON lines or CSV.")] = Form.JSONL,
    as_json: AsJson = False,
) -> None:
    """Make a firm and what it books: month-end peaks, late entries, corrections, revoked approvals, repetitions, dirt.

    Prints what it made as one JSON document, with --json or without: counts, and money per currency.
    """
    from tieout.sandbox.workload.files import make
    from tieout.sandbox.workload.firm import SimulatedFirm
    from tieout.sandbox.workload.shape import Shape

    firm = SimulatedFirm(Shape(consultants, months, seed, dirty))
    if not as_json and to is not None:
        aside(f"Writing to {to} …")
    document(make(firm, to, form.value).summary())
