"""`overrides`: fields that count as somebody set them in the hub, and not as their source says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, InTheNameOf, document, line, table

if TYPE_CHECKING:
    from tieout.engine.operator import Released

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

_Number = Annotated[str, typer.Argument(metavar="OVERRIDE", help="O-701, or only its number.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Fields that count as somebody set them here.")
    group.command("list", epilog="Example: tieout overrides list --withdrawn")(listed)
    group.command("set", epilog="Example: tieout overrides set ENG-7K2M9QXA end 2027-04-30 --reason 'agreed by mail'")(
        set_
    )
    group.command(epilog="Example: tieout overrides approve O-701")(approve)
    group.command(epilog="Example: tieout overrides withdraw O-701 --reason 'the CRM is right now'")(withdraw)
    app.add_typer(group, name="overrides", epilog="Example: tieout overrides list")


def listed(
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="Also those that were withdrawn.")] = False,
    as_json: AsJson = False,
) -> None:
    """List overrides with their authors and reasons, the newest first."""
    from tieout.cli.desk import looked_up
    from tieout.store import overrides

    found = [_shown(each) for each in looked_up(lambda tx: overrides.listed(tx, withdrawn=withdrawn))]
    if as_json:
        document(found)
    elif found:
        table(
            ("override", "document", "field", "value", "by", "because", "state"),
            [
                tuple(str(each[name]) for name in ("override", "key", "field", "value", "author", "reason", "state"))
                for each in found
            ],
        )
    else:
        line("No field is overridden.")


def set_(
    key: Annotated[str, typer.Argument(help="The engagement: ENG-7K2M9QXA.")],
    field: Annotated[str, typer.Argument(help="The field's path: end, customer.address.country.")],
    value: Annotated[str, typer.Argument(help="What it is from now on.")],
    reason: Annotated[str, typer.Option(help="Why: it stands beside the field wherever it is shown.")],
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Set a field of an engagement in the hub; its source stays as it is."""
    from tieout.cli.desk import actor, at_desk

    # Whoever is at the machine has every right: the command line asks no role (docs/cli.md).
    number, waits, released = at_desk(
        lambda desk: desk.operator.overrides.set(
            "engagement", key, field, value, reason=reason, actor=actor(name), may_money=True
        )
    )
    said = "waits for a second person" if waits else "counts now"
    if as_json:
        document({"override": f"O-{number}", "waiting": waits, "runs": released.runs})
    else:
        line(f"O-{number}: {field} = {value} {said}.")


def approve(number: _Number, name: InTheNameOf = "", as_json: AsJson = False) -> None:
    """Let somebody else's override count."""
    from tieout.cli.desk import actor, at_desk

    released = at_desk(lambda desk: desk.operator.overrides.approve(_number(number), actor=actor(name)))
    _done(as_json, number, "counts now", released)


def withdraw(
    number: _Number,
    reason: Annotated[str, typer.Option(help="Why: it stays in the books.")],
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Let what the source says count again."""
    from tieout.cli.desk import actor, at_desk

    released = at_desk(lambda desk: desk.operator.overrides.withdraw(_number(number), reason=reason, actor=actor(name)))
    _done(as_json, number, "is withdrawn", released)


def _done(as_json: bool, number: str, said: str, released: Released) -> None:
    if as_json:
        document({"override": f"O-{_number(number)}", "runs": released.runs})
    else:
        line(f"O-{_number(number)} {said}.")


def _number(text: str) -> int:
    digits = text.strip().upper().removeprefix("O-")
    if not digits.isdigit() or len(digits) > 18:
        raise stop(Exit.USAGE, f"“{text}” is not the number of an override.", fix="Write it as O-701.")
    return int(digits)


def _shown(stored: dict[str, Any]) -> dict[str, Any]:
    state = "withdrawn" if stored["withdrawn_at"] else "waiting" if stored["waiting"] else "in force"
    names = (
        "kind",
        "key",
        "field",
        "value",
        "author",
        "reason",
        "made_at",
        "approved_by",
        "withdrawn_by",
        "withdrawn_why",
    )
    return {"override": f"O-{stored['id']}", "state": state, **{name: stored[name] for name in names}}
