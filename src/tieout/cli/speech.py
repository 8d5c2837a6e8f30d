"""How the commands speak: results on standard output, everything else on standard error, and JSON that stands alone."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from tieout.cli.exits import Stop

InTheNameOf = Annotated[str, typer.Option("--as", metavar="NAME", help="In whose name; left out, your login name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def document(value: Any) -> None:
    """The one JSON document of a command."""
    print(json.dumps(value, default=plain, indent=2, ensure_ascii=False))  # noqa: T201 - this is where we print


def document_line(value: Any) -> None:
    """The document of a command that goes on working: in one line, at once."""
    print(json.dumps(value, default=plain, ensure_ascii=False), flush=True)  # noqa: T201 - this is where we print


def plain(value: Any) -> Any:
    """Amounts as strings, so that no reader makes floats of them; moments as ISO 8601."""
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime() | date():
            return value.isoformat()
        case Mapping():
            return dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case set() | frozenset():
            return sorted(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        case _:
            return str(value)


def line(text: str = "") -> None:
    """A line of the result."""
    print(text)  # noqa: T201 - this is where we print


def aside(text: str) -> None:
    """A line for whoever watches; never part of the result."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is where we print


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = ()) -> None:
    """A table on standard output, as wide as it must be; `right` names the columns of figures."""
    from rich import box  # noqa: PLC0415 - a third of the start-up time, for those who want tables
    from rich.table import Table  # noqa: PLC0415

    figures = set(right)
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for title in titles:
        shown.add_column(title, justify="right" if title in figures else "left", overflow="fold")
    for row in rows:
        shown.add_row(*row)
    console().print(shown)


def console(*, stderr: bool = False) -> Any:
    from rich.console import Console  # noqa: PLC0415 - see above

    stream = sys.stderr if stderr else sys.stdout
    # A pipe has no width of its own, and a reader of a pipe wants whole lines.
    return Console(file=stream, width=None if stream.isatty() else 200, markup=False, highlight=False, soft_wrap=False)


@contextmanager
def progress(what: str) -> Generator[None]:
    """Shows that something is being waited for."""
    if sys.stderr.isatty():
        with console(stderr=True).status(what):
            yield
    else:
        aside(f"{what} …")
        yield


def complain(stop: Stop, *, as_json: bool) -> None:
    """Everything that is wrong, for a person on standard error and, when asked for, as JSON on standard output."""
    for each in stop.complaints:
        aside(f"✗ {each.what}")
        if each.where:
            aside(f"  where: {each.where}")
        if each.fix:
            aside(f"  fix:   {each.fix}")
    if as_json:
        document({"error": {"code": int(stop.code), "problems": [each.as_dict() for each in stop.complaints]}})
