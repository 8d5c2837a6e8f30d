"""`contract`: the versions of a contract, clause by clause, and which of them each system shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, document, line, table

if TYPE_CHECKING:
    from tieout.store.contracts import Versions

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout contract ENG-7K3M9QXA --json | jq '.shown'")(contract)


def contract(
    id: Annotated[str, typer.Argument(metavar="ID", help="An engagement, or any id that leads to one.")],
    as_json: AsJson = False,
) -> None:
    """What is agreed, since when and by which change order; ends with 1 when a system shows another version."""
    from tieout.cli.desk import looked_up
    from tieout.store.contracts import anywhere

    found = looked_up(lambda tx: anywhere(tx, id))
    if found is None:
        raise stop(Exit.PROBLEM, f"Nothing was agreed for “{id}”.", fix="Try `tieout lookup`.")
    if as_json:
        from tieout.api.contracts import body_of

        document(body_of(found).model_dump(mode="json"))
    else:
        _print(found)
    if not found.agrees:
        raise typer.Exit(Exit.PROBLEM)


def _print(found: Versions) -> None:
    from tieout.domain.contract_changes import differences
    from tieout.domain.money import Money

    agreed = found.contract
    line(f"Contract {agreed.key}, {found.entity}")
    for version in reversed(agreed.versions):
        worth = Money(version.amount, version.currency)
        made = f", made by {version.order}" if version.order else ", as it was signed"
        line(f"\nVersion {version.version}: {worth} from {version.effective_from}{made}")
        before = agreed.before(version)
        for clause in differences(before, version) if before else ():
            line(f"  {clause}")
    line()
    rows = [
        (
            f"{each['connection']}, {each['name']}" if each["name"] else each["connection"],
            each["role"],
            f"version {each['version']}",
            "" if each["version"] == each["agreed"] else "differs",
        )
        for each in found.shown
    ]
    table(("System", "Role", "Shows", ""), rows)
