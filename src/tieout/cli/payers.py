"""`payers`: deals that several customers pay, and what each of them was billed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from tieout.cli.speech import AsJson, document, line, table

if TYPE_CHECKING:
    from tieout.store.database import Tx

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout payers --json")(payers)


def payers(as_json: AsJson = False) -> None:
    """Show the deals that several customers pay: who pays which part, what each was billed, net of tax, and at most pays."""
    from tieout.cli.desk import looked_up

    found = looked_up(_read)
    if as_json:
        document(found)
        return
    if not found:
        line("Every deal has one payer; several are named under payers in the firm folder.")
        return
    table(
        ("deal", "payer", "share", "billed", "at most"),
        [
            (
                each["deal"], f"{each['name'] or each['customer']}{' (the rest)' if each['rest'] else ''}", f"{each['percent']} %",
                f"{each['billed']} {each['currency']}", f"{each['most']} {each['currency']}" if each["most"] else "",
            )
            for each in found
        ],
        right=("share", "billed", "at most"),
    )  # fmt: skip


async def _read(tx: Tx) -> list[dict[str, Any]]:
    from tieout.cli.amounts import written
    from tieout.domain.paying import SplitBilling
    from tieout.store import firm
    from tieout.store.payers import splits

    stored = await firm.current(tx)
    folder = [SplitBilling.model_validate(each) for each in (stored["content"].get("payers") or ())] if stored else []
    return [
        {
            "engagement": split.engagement, "deal": split.title, "by": split.span, "customer": each.customer, "name": each.name,
            "percent": f"{each.share.normalize():f}", "billed": written(each.billed.amount, each.billed.currency),
            "most": written(each.most.amount, each.most.currency) if each.most else None, "currency": each.billed.currency,
            "rest": each.rest,
        }
        for split in await splits(tx, folder)
        for each in split.payers
    ]  # fmt: skip
