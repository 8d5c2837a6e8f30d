"""`approvals`: terms that wait for somebody else's yes or no."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.speech import AsJson, InTheNameOf, document, line, table

if TYPE_CHECKING:
    from tieout.engine.operator import Released

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

_InThePlaceOf = Annotated[
    str, typer.Option("--for", metavar="ADDRESS", help="In whose place, where that one has named you for now.")
]
_Number = Annotated[str, typer.Argument(metavar="APPROVAL", help="A-501, or only its number.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Terms that wait for somebody else's yes or no.")
    group.command("list", epilog="Example: tieout approvals list --json")(listed)
    group.command(epilog="Example: tieout approvals approve A-501 --as anna.fischer@acme.example")(approve)
    group.command(epilog="Example: tieout approvals reject A-501 --reason 'no credit limit'")(reject)
    example = "tieout approvals delegate carlos.mendes@acme.example 2026-12-21 2027-01-02 --reason holidays"
    group.command(epilog=f"Example: {example}")(delegate)
    group.command(epilog="Example: tieout approvals delegations --json")(delegations)
    group.command("take-back", epilog="Example: tieout approvals take-back D-101")(take_back)
    app.add_typer(group, name="approvals", epilog="Example: tieout approvals list")


def listed(as_json: AsJson = False) -> None:
    """List what waits for an answer, the oldest first."""
    from tieout.cli.desk import looked_up
    from tieout.store import approvals

    found = [_shown(each) for each in looked_up(approvals.waiting)]
    if as_json:
        document(found)
        return
    if not found:
        line("Nothing waits for an approval.")
        return
    table(
        ("approval", "amount", "what", "terms", "asked by", "asked", "goes on"),
        [
            (
                each["approval"], f"{each['amount']} {each['currency']}".strip(), each["title"], "; ".join(each["terms"]),
                each["requested_by"], f"{each['requested_at']:%Y-%m-%d %H:%M %Z}", _goes_on(each),
            )
            for each in found
        ],
        right=("amount",),
    )  # fmt: skip


def approve(
    number: _Number,
    reason: Annotated[str, typer.Option(help="A word for the books.")] = "",
    behind: _InThePlaceOf = "",
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Accept the terms, and let the deal go on. Nobody approves what they asked for."""
    _answer(number, approve=True, reason=reason, behind=behind, name=name, as_json=as_json)


def reject(
    number: _Number,
    reason: Annotated[str, typer.Option(help="Why: whoever asked reads it.")],
    behind: _InThePlaceOf = "",
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Refuse the terms; the deal waits until they are different."""
    _answer(number, approve=False, reason=reason, behind=behind, name=name, as_json=as_json)


def delegate(
    to: Annotated[str, typer.Argument(help="The address of who answers in your place.")],
    first: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The first day, in the firm's time zone.")],
    last: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The last day.")],
    reason: Annotated[str, typer.Option(help="Why: it stays in the books.")],
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Let somebody answer approvals in your place for some days. They cannot pass it on, nor answer what you asked for."""
    from tieout.cli.desk import Desk, actor, at_desk
    from tieout.store import firm

    async def give(desk: Desk) -> int:
        async with desk.database.transaction() as tx:
            stored = await firm.current(tx)
        zone = (stored["content"].get("time_zone") if stored else None) or "UTC"
        return await desk.operator.delegations.delegate(
            to, first=first.date(), last=last.date(), zone=zone, reason=reason, actor=actor(name)
        )

    number = at_desk(give)
    if as_json:
        document({"delegation": f"D-{number}", "to": to, "first": first.date(), "last": last.date()})
    else:
        line(f"D-{number}: {to} answers approvals in your place from {first:%Y-%m-%d} to {last:%Y-%m-%d}.")


def delegations(as_json: AsJson = False) -> None:
    """List who answers in whose place, now and later."""
    from tieout.cli.desk import looked_up, now
    from tieout.store import delegations as stored

    found = looked_up(lambda tx: stored.not_over(tx, now()))
    if as_json:
        document([{**each, "id": f"D-{each['id']}"} for each in found])
    elif not found:
        line("Nobody answers in another's place.")
    else:
        titles = ("delegation", "in the place of", "answers", "from", "until", "why")
        rows = [
            (
                f"D-{each['id']}", each["owner"], each["delegate"], f"{each['begins_at']:%Y-%m-%d %H:%M %Z}",
                f"{each['ends_at']:%Y-%m-%d %H:%M %Z}", each["reason"],
            )
            for each in found
        ]  # fmt: skip
        table(titles, rows)


def take_back(
    number: Annotated[str, typer.Argument(metavar="DELEGATION", help="D-101, or only its number.")],
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """End a delegation of yours now."""
    from tieout.cli.desk import actor, at_desk
    from tieout.cli.holds import number_of

    wanted = number_of(number)
    at_desk(lambda desk: desk.operator.delegations.withdraw(wanted, actor=actor(name)))
    if as_json:
        document({"withdrawn": f"D-{wanted}"})
    else:
        line(f"D-{wanted} is over.")


def _answer(number: str, *, approve: bool, reason: str, behind: str, name: str, as_json: bool) -> None:
    from tieout.cli.desk import actor, at_desk
    from tieout.cli.holds import number_of

    wanted = number_of(number)
    done: Released = at_desk(
        lambda desk: desk.operator.answer_approval(
            wanted, approve=approve, actor=actor(name), reason=reason, on_behalf_of=behind
        )
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
        "members": found["members"],
        "answer_by": found["answer_by"],
        "goes_to": found["goes_to"],
        "escalated_to": found["escalated_to"],
        "escalated_at": found["escalated_at"],
    }


def _goes_on(shown: dict[str, Any]) -> str:
    """To whom it went, and when to whom it goes next."""
    went = f"went to {', '.join(shown['escalated_to'])}" if shown["escalated_to"] else ""
    goes = f"{shown['answer_by']:%Y-%m-%d %H:%M %Z} to {shown['goes_to']}" if shown["goes_to"] else ""
    return "; ".join(each for each in (went, goes) if each)
