"""`holds`: what waits for a person, why, and the verbs that end the wait."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, InTheNameOf, document, line, table

if TYPE_CHECKING:
    from tieout.cli.desk import Desk
    from tieout.console.choices import Question
    from tieout.store.database import Tx

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

Number = Annotated[str, typer.Argument(metavar="HOLD", help="H-20401, or only its number.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="What waits for a person, and why.")
    group.command("list", epilog="Example: tieout holds list --json | jq '.[].what'")(listed)
    group.command(epilog="Example: tieout holds show H-20401")(show)
    group.command(epilog="Example: tieout holds assign H-20401 anna.fischer@acme.example")(assign)
    group.command(epilog="Example: tieout holds snooze H-20401 --days 3")(snooze)
    group.command(epilog="Example: tieout holds ignore H-20401 --reason 'a test record'")(ignore)
    group.command(epilog="Example: tieout holds decide H-20401 CUS-7 --reason 'same tax id'")(decide)
    app.add_typer(group, name="holds", epilog="Example: tieout holds list")


def listed(
    resolved: Annotated[bool, typer.Option("--resolved", help="Those whose wait is over, with how it ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what waits, the largest amount that is due soonest first."""
    from tieout.cli.desk import looked_up
    from tieout.store import holds

    found = looked_up(lambda tx: holds.listed(tx, "resolved" if resolved else "open"))
    if as_json:
        document([shown(each) for each in found])
        return
    if not found:
        line("Nothing has waited yet." if resolved else "Nothing waits for a person.")
        return
    lines = [shown(each) for each in found]
    last = "how it ended" if resolved else "owner"
    table(
        ("hold", "amount", "due", "what", last),
        [
            (
                each["hold"],
                f"{each['amount']} {each['currency']}".strip(),
                f"{each['due_at']:%Y-%m-%d %H:%M}",
                each["what"],
                f"{each['resolution']} ({each['resolved_by']})" if resolved else each["assignee"] or each["owner"],
            )
            for each in lines
        ],
        right=("amount",),
    )


def show(number: Number, as_json: AsJson = False) -> None:
    """Say what happened, why it matters, who owns it, and how to end the wait."""
    from tieout.cli.desk import looked_up
    from tieout.store import holds

    async def read(tx: Tx) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        hold = await holds.get(tx, number_of(number))
        if hold is None:
            raise stop(Exit.PROBLEM, f"There is no hold {number}.", fix="See `tieout holds list`.")
        return hold, await holds.events(tx, hold["id"])

    hold, events = looked_up(read)
    told = [{"at": each["at"], "actor": each["actor"], "what": each["what"]} for each in events]
    if as_json:
        document({**shown(hold), "answers": _answers(hold), "events": told})
        return
    _print(shown(hold), _answers(hold))
    for each in told:
        line(f"  {each['at']:%Y-%m-%d %H:%M} {each['actor']}: {each['what']}")


def assign(
    number: Number,
    assignee: Annotated[str, typer.Argument(help="Whose it is from now on.")],
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Give a hold to somebody."""
    from tieout.cli.desk import actor, at_desk

    at_desk(lambda desk: desk.operator.assign(number_of(number), assignee=assignee, actor=actor(name)))
    _done(as_json, number, f"{number} is {assignee}'s now.", assignee=assignee)


def snooze(
    number: Number,
    days: Annotated[int, typer.Option(help="For how many days, 1 to 90.")] = 1,
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Take a hold off the lists for some days."""
    from tieout.cli.desk import actor, at_desk

    at_desk(lambda desk: desk.operator.snooze(number_of(number), days=days, actor=actor(name)))
    _done(as_json, number, f"{number} sleeps for {days} days.", days=days)


def ignore(
    number: Number,
    reason: Annotated[str, typer.Option(help="Why: it stays in the books.")],
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """End the wait without doing anything; the document counts as ignored."""
    from tieout.cli.desk import actor, at_desk

    at_desk(lambda desk: desk.operator.ignore(number_of(number), reason=reason, actor=actor(name)))
    _done(as_json, number, f"{number} is ignored: {reason}", reason=reason)


def decide(
    number: Number,
    choice: Annotated[str, typer.Argument(help="One of the answers that `tieout holds show` lists.")],
    reason: Annotated[str, typer.Option(help="Why: it stays in the books.")] = "",
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Answer the question that a hold asks, and let its run go on."""
    from tieout.cli.desk import actor, at_desk

    async def work(desk: Desk) -> tuple[str, ...]:
        await _understood(desk, number_of(number), choice)
        done = await desk.operator.decide(number_of(number), choice=choice, reason=reason, actor=actor(name))
        return done.runs

    runs = at_desk(work)
    _done(as_json, number, f"{number} is decided: {choice}; {_counted(len(runs))} on.", choice=choice, runs=runs)


def number_of(text: str) -> int:
    """The number of a hold, an approval or anything that people write with a letter in front."""
    found = re.fullmatch(r"(?:[A-Za-z]-)?(\d{1,18})", text.strip())
    if found is None:
        raise stop(Exit.USAGE, f"“{text}” is not the number of a hold.", fix="Write it as H-20401.")
    return int(found[1])


async def _understood(desk: Desk, number: int, choice: str) -> None:
    from tieout.store import holds

    async with desk.database.transaction() as tx:
        hold = await holds.get(tx, number)
    if hold is None or hold["state"] != "open":
        return  # the verb itself says it better
    known = [each["choice"] for each in _answers(hold)]
    if not known:
        fix = _explained(hold).fix
        raise stop(Exit.PROBLEM, f"H-{number} asks no question; nothing is to be decided.", fix=fix)
    if choice not in known:
        raise stop(Exit.PROBLEM, f"“{choice}” is no answer to H-{number}.", fix=f"Say one of: {', '.join(known)}.")


def shown(hold: dict[str, Any]) -> dict[str, Any]:
    from tieout.cli.amounts import of_minor, written

    told = _explained(hold)
    currency = hold["currency"]
    return {
        "hold": f"H-{hold['id']}",
        "title": hold["title"],
        "state": hold["state"],
        "code": hold["code"],
        "what": told.what,
        "why": told.why,
        "fix": told.fix,
        "where": told.where,
        "owner": hold["owner"],
        "assignee": hold["assignee"],
        "entity": hold["entity"],
        "engagement": hold["engagement"],
        "amount": written(of_minor(hold["amount_minor"], currency), currency),
        "currency": currency,
        "quote": hold["quote"],
        "run": hold["run_id"],
        "opened_at": hold["opened_at"],
        "due_at": hold["due_at"],
        "resolved_at": hold["resolved_at"],
        "resolved_by": hold["resolved_by"],
        "resolution": hold["resolution"],
    }


def _explained(hold: dict[str, Any]) -> Any:
    from tieout.domain.problems import Problem, explain

    return explain(Problem(hold["code"], hold["facts"], hold["quote"]))


def _answers(hold: dict[str, Any]) -> list[dict[str, str]]:
    from tieout.console.choices import question

    asked: Question | None = question(hold["code"], hold["facts"])
    answers = asked.answers if asked else ()
    return [{"choice": each.choice, "means": each.title, "then": each.consequence} for each in answers]


def _print(told: dict[str, Any], answers: list[dict[str, str]]) -> None:
    amount = f", {told['amount']} {told['currency']}" if told["amount"] else ""
    line(f"{told['hold']} {told['title']}{amount}, {told['state']}")
    for name in ("what", "why", "owner", "fix", "where", "quote"):
        if told[name]:
            line(f"  {name + ':':7}{told[name]}")
    for each in answers:
        line(f"  answer {each['choice']}: {each['means']}. {each['then']}")
    if told["state"] == "resolved":
        line(f"  ended: {told['resolution']} ({told['resolved_by']})")


def _done(as_json: bool, number: str, sentence: str, **facts: Any) -> None:
    if as_json:
        document({"hold": f"H-{number_of(number)}", **facts})
    else:
        line(sentence)


def _counted(runs: int) -> str:
    return "one run goes" if runs == 1 else f"{runs} runs go"
