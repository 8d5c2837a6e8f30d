"""`lent` and `lent-bill`: work of another company's people and of subcontractors, what it should cost, and its bills."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from tieout.cli.speech import AsJson, InTheNameOf, document, line, table

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

Lender = Annotated[
    str, typer.Argument(metavar="LENDER", help="A company's code or a vendor's name, as the tables say it.")
]


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout lent --json | jq '.[].cost'")(lent)
    app.command(
        "lent-bill", epilog="Example: tieout lent-bill 'Iberia Data' INV-77 --through 2026-10-31 --amount 4250.00"
    )(lent_bill)


def lent(
    lender: Annotated[str, typer.Argument(help="One lender alone: a company's code or a vendor's name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Work of other companies' people and of subcontractors that no bill stands for yet, and what it should cost."""
    from tieout.cli.amounts import for_people, written
    from tieout.cli.desk import at_desk
    from tieout.domain.proposal import hours_text

    found = at_desk(lambda desk: desk.operator.lending.expected(lender=lender))
    if as_json:
        names = ("kind", "lender", "entity", "person", "currency", "entries", "minutes", "unpriced")
        document(
            [
                {name: each[name] for name in names}
                | {
                    "cost": written(each["cost"], each["currency"] or "USD"),
                    "from": str(each["first_day"]),
                    "to": str(each["last_day"]),
                }
                for each in found
            ]
        )
        return
    table(
        ("lender", "kind", "for", "person", "hours", "without a price", "cost", "days"),
        [
            (
                each["lender"], each["kind"], each["entity"], each["person"], hours_text(each["minutes"]),
                hours_text(each["unpriced"]) if each["unpriced"] else "",
                f"{for_people(each['cost'], each['currency'])} {each['currency']}" if each["currency"] else "",
                f"{each['first_day']} to {each['last_day']}",
            )
            for each in found
        ],
        right=("hours", "without a price", "cost"),
    )  # fmt: skip


def lent_bill(
    lender: Lender,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="The number of the bill.")],
    through: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day of work that it is for.")],
    amount: Annotated[
        str, typer.Option(help="What the bill says, net, to compare; left out, nothing is compared.")
    ] = "",
    currency: Annotated[str, typer.Option(help="Where the lender's work is in several currencies.")] = "",
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Match a bill with all work of a lender up to a day that no other bill stands for."""
    from tieout.cli.amounts import for_people, written
    from tieout.cli.desk import actor, at_desk
    from tieout.domain.proposal import hours_text

    try:
        says = Decimal(amount) if amount else None
    except InvalidOperation as wrong:
        raise typer.BadParameter(f"{amount} is no amount: write it like 4250.00") from wrong
    day = through.replace(tzinfo=UTC).date()
    made = at_desk(
        lambda desk: desk.operator.lending.match(
            lender, number, through=day, currency=currency, amount=says, actor=actor(name)
        )
    )
    code, differs = made["currency"], None if made["amount"] is None else made["amount"] - made["expected"]
    if as_json:
        told = {name: made[name] for name in ("lender", "number", "currency", "minutes")}
        money = {"expected": made["expected"], "amount": made["amount"], "difference": differs}
        document(told | {name: None if each is None else written(each, code) for name, each in money.items()})
        return
    line(
        f"{number} of {lender} stands for {hours_text(made['minutes'])} hours, expected {for_people(made['expected'], code)} {code}."
    )
    if differs:
        line(f"The bill differs by {for_people(differs, code)} {code}.")
