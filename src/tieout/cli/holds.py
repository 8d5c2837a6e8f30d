"""`holds`: what waits for a person, why, and the verbs that end the wait."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.causes import causes
from tieout.cli.exits import Exit, stop
from tieout.cli.routes import routes
from tieout.cli.speech import AsJson, InTheNameOf, document, line, table

if TYPE_CHECKING:
    from tieout.cli.desk import Desk
    from tieout.console.choices import Question
    from tieout.store.database import Tx

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

_LABELS = {"due_at": "due"}
Number = Annotated[str, typer.Argument(metavar="HOLD", help="H-20401, or only its number.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="What waits for a person, and why.")
    group.command("list", epilog="Example: tieout holds list --json | jq '.[].what'")(listed)
    group.command(epilog="Example: tieout holds show H-20401")(show)
    group.command(epilog="Example: tieout holds assign H-20401 anna.fischer@acme.example")(assign)
    group.command(epilog="Example: tieout holds snooze H-20401 --days 3")(snooze)
    group.command(epilog="Example: tieout holds ignore H-20401 --reason 'a test record'")(ignore)
    group.command(epilog="Example: tieout holds decide H-20401 CUS-7 --reason 'same tax id'")(decide)
    group.command(epilog="Example: tieout holds settle H-20401 --there 4711 --reason 'seen in the ledger'")(settle)
    group.command(epilog="Example: tieout holds causes --json | jq '.[0]'")(causes)
    group.command(epilog="Example: tieout holds comment H-20401 'Waits for the new rate card, @anna.fischer'")(comment)
    group.command(epilog="Example: tieout holds ask H-20401 lee@acme.example 'Is this deal off?'")(ask)
    group.command(epilog="Example: tieout holds routes --try acme")(routes)
    app.add_typer(group, name="holds", epilog="Example: tieout holds list")


def listed(
    resolved: Annotated[bool, typer.Option("--resolved", help="Those whose wait is over, with how it ended.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those whose time is over.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what waits, the largest amount that is due soonest first."""
    from tieout.cli.desk import looked_up, now
    from tieout.cli.one_hold import shown
    from tieout.store import holds

    found = looked_up(lambda tx: holds.listed(tx, "resolved" if resolved else "open"))
    found = [each for each in found if not overdue or each["due_at"] <= now()]
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
                f"{each['resolution']} ({each['resolved_by']})"
                if resolved
                else each["assignee"] or each["team"] or each["owner"],
            )
            for each in lines
        ],
        right=("amount",),
    )


def show(number: Number, as_json: AsJson = False) -> None:
    """Say what happened, why it matters, who owns it, and how to end the wait."""
    from tieout.cli.desk import looked_up
    from tieout.cli.one_hold import shown
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
    days: Annotated[int, typer.Option(help="For how many days.")] = 1,
    until_changed: Annotated[
        bool, typer.Option("--until-changed", help="Until its source changes, or the firm's longest time is over.")
    ] = False,
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Take a hold off the lists for some days, or until its source changes."""
    from tieout.cli.desk import actor, at_desk

    at_desk(
        lambda desk: desk.operator.snooze(number_of(number), days=days, until_changed=until_changed, actor=actor(name))
    )
    if until_changed:
        _done(as_json, number, f"{number} sleeps until its source changes.", until_changed=True)
    else:
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


def settle(
    number: Number,
    there: Annotated[str, typer.Option(help="It is there: the record's id, as the target shows it.")] = "",
    not_there: Annotated[bool, typer.Option("--not-there", help="It is not there: do it again, once.")] = False,
    reason: Annotated[str, typer.Option(help="Where you looked: it stays in the books.")] = "",
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Say whether a target has what Tieout cannot know, after you looked there."""
    from tieout.cli.desk import actor, at_desk

    if bool(there.strip()) == not_there:
        raise stop(Exit.USAGE, "Say either that it is there or that it is not.", fix="--there RECORD or --not-there.")
    done = at_desk(
        lambda desk: desk.operator.settle(
            number_of(number), there=not not_there, record=there, reason=reason, actor=actor(name)
        )
    )
    said = "is not there: it is done again" if not_there else f"is there as {there.strip()}"
    _done(as_json, number, f"What {number} asks for {said}; {_counted(len(done.runs))} on.", runs=done.runs)


def comment(
    number: Number,
    text: Annotated[str, typer.Argument(help="What you say; @name calls somebody.")],
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Say something about a hold, in its story."""
    from tieout.cli.desk import actor, at_desk

    at_desk(lambda desk: desk.operator.talk.comment(number_of(number), text=text, actor=actor(name)))
    _done(as_json, number, f"Your comment stands in the story of {number}.", text=text)


def ask(
    number: Number,
    of: Annotated[str, typer.Argument(help="Whom, by e-mail address.")],
    question: Annotated[str, typer.Argument(help="What.")],
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Ask a person about a hold; they answer in the console, at the address that this says."""
    from tieout.cli.desk import actor, at_desk

    asked = at_desk(lambda desk: desk.operator.talk.ask(number_of(number), of=of, question=question, actor=actor(name)))
    address = f"/questions/Q-{asked}"
    _done(
        as_json, number, f"{of} finds the question at {address} of the console.", question=f"Q-{asked}", address=address
    )


def number_of(text: str) -> int:
    """The number of a hold, an approval or anything that people write with a letter in front."""
    found = re.fullmatch(r"(?:[A-Za-z]-)?(\d{1,18})", text.strip())
    if found is None:
        raise stop(Exit.USAGE, f"“{text}” is not the number of a hold.", fix="Write it as H-20401.")
    return int(found[1])


async def _understood(desk: Desk, number: int, choice: str) -> None:
    from tieout.cli.one_hold import explained
    from tieout.store import holds

    async with desk.database.transaction() as tx:
        hold = await holds.get(tx, number)
    if hold is None or hold["state"] != "open":
        return  # the verb itself says it better
    known = [each["choice"] for each in _answers(hold)]
    if not known:
        fix = explained(hold).fix
        raise stop(Exit.PROBLEM, f"H-{number} asks no question; nothing is to be decided.", fix=fix)
    if choice not in known:
        raise stop(Exit.PROBLEM, f"“{choice}” is no answer to H-{number}.", fix=f"Say one of: {', '.join(known)}.")


def _answers(hold: dict[str, Any]) -> list[dict[str, str]]:
    from tieout.console.choices import question

    asked: Question | None = question(hold["code"], hold["facts"])
    answers = asked.answers if asked else ()
    return [{"choice": each.choice, "means": each.title, "then": each.consequence} for each in answers]


def _print(told: dict[str, Any], answers: list[dict[str, str]]) -> None:
    amount = f", {told['amount']} {told['currency']}" if told["amount"] else ""
    line(f"{told['hold']} {told['title']}{amount}, {told['state']}")
    for name in ("what", "why", "owner", "team", "fix", "where", "due_at", "quote"):
        if told[name]:
            value = f"{told[name]:%Y-%m-%d %H:%M}" if name == "due_at" else told[name]
            line(f"  {_LABELS.get(name, name) + ':':7}{value}")
    if told["assignee"]:
        by = f", by hand by {told['assigned_by']}: no rule takes it away" if told["assigned_by"] else ""
        line(f"  with:  {told['assignee']}{by}")
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
