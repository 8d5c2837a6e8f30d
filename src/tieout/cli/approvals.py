"""`approvals`: terms that wait for somebody else's yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.speech import AsJson, InTheNameOf, document, line, table

if TYPE_CHECKING:
    from tieout.engine.operator import Released

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

_Number = Annotated[str, typer.Argument(metavar="APPROVAL", help="A-501, or only its number.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Terms that wait for somebody else's yes or no.")
    group.command("list", epilog="Example: tieout approvals list --json")(listed)
    group.command(epilog="Example: tieout approvals approve A-501 --as anna.fischer@acme.example")(approve)
    group.command(epilog="Example: tieout approvals reject A-501 --reason 'no credit limit'")(reject)
    app.add_typer(group, name="approvals", epilog="Example: tieout approvals list")


def listed(as_json: AsJson = False) -> None:
    """List what waits for an answer, the oldest first."""
    from tieout.cli.desk import looked_up
    from tieout.store import holds

    found = [_shown(each) for each in looked_up(holds.approvals)]
    if as_json:
        document(found)
        return
    if not found:
        line("Nothing waits for an approval.")
        return
    table(
        ("approval", "amount", "what", "terms", "asked by"),
        [
            (
                each["approval"], f"{each['amount']} {each['currency']}".strip(), each["title"], "; ".join(each["terms"]),
                each["requested_by"],
            )
            for each in found
        ],
        right=("amount",),
    )  # fmt: skip


def approve(
    number: _Number,
    reason: Annotated[str, typer.Option(help="A word for the books.")] = "",
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Accept the terms, and let the deal go on. Nobody approves what they asked for."""
    _answer(number, approve=True, reason=reason, name=name, as_json=as_json)


def reject(
    number: _Number,
    reason: Annotated[str, typer.Option(help="Why: whoever asked reads it.")],
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Refuse the terms; the deal waits until they are different."""
    _answer(number, approve=False, reason=reason, name=name, as_json=as_json)


def _answer(number: str, *, approve: bool, reason: str, name: str, as_json: bool) -> None:
    from tieout.cli.desk import actor, at_desk
    from tieout.cli.holds import number_of

    wanted = number_of(number)
    done: Released = at_desk(
        lambda desk: desk.operator.answer_approval(wanted, approve=approve, actor=actor(name), reason=reason)
    )
    word = "approved" if approve else "rejected"
    if as_json:
        document({"approval": f"A-{wanted}", "state": word, "runs": done.runs})
    else:
        line(f"A-{wanted} is {word}.")


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    from tieout.cli.amounts import of_minor, written

    currency = found["currency"]
    return {
        "approval": f"A-{found['id']}",
        "title": found["title"],
        "terms": found["terms"],
        "entity": found["entity"],
        "engagement": found["engagement"],
        "amount": written(of_minor(found["amount_minor"], currency), currency),
        "currency": currency,
        "requested_by": found["requested_by"],
        "requested_at": found["requested_at"],
    }
