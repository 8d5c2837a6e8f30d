"""`credit` and `write-off`: what finance makes the hub do about what was billed, and about what will not be."""

from __future__ import annotations

from typing import Annotated

import typer

from tieout.cli.speech import AsJson, InTheNameOf, document, line

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

Because = Annotated[str, typer.Option("--reason", help="Why: it stays in the books.")]


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout credit 2026-0001 --reason 'billed to the wrong company'")(credit)
    app.command("write-off", epilog="Example: tieout write-off ENG-7K3M9QXA --reason 'as the contract says'")(write_off)


def credit(
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="The number of a posted invoice, or our key.")],
    reason: Because,
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Ask that an invoice is credited whole and billed again; somebody else must agree, then a draft is in the ERP."""
    from tieout.cli.desk import actor, at_desk

    run = at_desk(lambda desk: desk.operator.corrections.credit(invoice, reason=reason, actor=actor(name)))
    if as_json:
        document({"invoice": invoice, "run": run})
    else:
        line(f"{invoice} is to be credited and billed again: somebody else answers it with `tieout approvals`.")


def write_off(
    engagement: Annotated[str, typer.Argument(metavar="ENGAGEMENT", help="Our key of the deal, as ENG-7K3M9QXA.")],
    reason: Because,
    limit: Annotated[str, typer.Option(help="What waits above this limit alone, as the hold names it.")] = "",
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Give up work that waits above the limits of a contract: it is never billed."""
    from tieout.cli.amounts import for_people, written
    from tieout.cli.desk import actor, at_desk

    gone = at_desk(
        lambda desk: desk.operator.corrections.write_off(engagement, limit=limit, reason=reason, actor=actor(name))
    )
    if as_json:
        document(
            [
                {"limit": each["why"], "minutes": each["minutes"], "worth": written(each["worth"], each["currency"])}
                for each in gone
            ]
        )
        return
    for each in gone:
        worth = f"{for_people(each['worth'], each['currency'])} {each['currency']}"
        line(f"{each['why']}: {each['minutes']} min worth {worth} are written off.")
