"""`limits`: how far each limit on billing is used, of contracts and of what spans them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.speech import AsJson, document, line, table

if TYPE_CHECKING:
    from tieout.store.database import Tx

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

_MOST = 500
_COLUMNS = (("billed", "billed"), ("approved", "open"), ("above", "above"))


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout limits Globex --json")(limits)


def limits(
    text: Annotated[str, typer.Argument(metavar="DEAL", help="A part of a deal's name, or its key.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show how much of each limit is billed, what is approved beneath it, and what waits above it; net of tax."""
    from tieout.cli.desk import looked_up

    found = looked_up(lambda tx: _read(tx, text))
    if as_json:
        document(found)
        return
    if not found:
        line("No deal of that name has a limit." if text else "Nothing has a limit.")
        return
    table(
        ("limit", "of", "most", "billed", "approved", "waits above"),
        [
            (
                each["limit"], each["of"],
                *(f"{each[name]} {each['unit']}" for name in ("most", "billed", "approved", "above")),
            )
            for each in found
        ],
        right=("most", "billed", "approved", "waits above"),
    )  # fmt: skip


async def _read(tx: Tx, text: str) -> list[dict[str, Any]]:
    """Those that span deals first, unless one deal is asked for; a limit of money and of hours is two."""
    from tieout.domain.spanning import SpanningCap
    from tieout.store import firm, limit_use

    stored = await firm.current(tx)
    caps = [SpanningCap.model_validate(each) for each in (stored["content"].get("caps") or ())] if stored else []
    found: list[dict[str, Any]] = []
    for cap in caps if not text else ():
        used = await limit_use.of_span(tx, cap)
        found += _measures(cap.name, cap.span, used, cap.amount, cap.hours, cap.currency)
    named = await limit_use.contracts_with_limits(tx, text=text, limit=_MOST)
    for each in await limit_use.of_contracts(tx, [one["engagement"] for one in named]):
        found += _measures(each["cap"], each["title"], each, each["amount"], each["hours"], each["currency"])
    return found


def _measures(
    name: str, of: str, used: Mapping[str, Any], amount: Decimal | None, hours: Decimal | None, currency: str
) -> Iterator[dict[str, Any]]:
    from tieout.cli.amounts import written

    if amount is not None:
        told = {field: written(used[column], currency) for field, column in _COLUMNS}
        yield {"limit": name, "of": of, "unit": currency, "most": written(amount, currency), **told}
    if hours is not None:
        told = {field: f"{Decimal(used[f'{column}_minutes']) / 60:.2f}" for field, column in _COLUMNS}
        yield {"limit": name, "of": of, "unit": "h", "most": f"{hours:.2f}", **told}
