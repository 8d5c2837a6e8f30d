"""`plans`: what replays would do, and the verbs that let exactly that begin, or end it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, InTheNameOf, aside, document, line, table

if TYPE_CHECKING:
    from tieout.cli.desk import Desk

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

Number = Annotated[str, typer.Argument(metavar="PLAN", help="P-3301, or only its number.")]
# Seconds without any progress after which a plan is taken to have nobody who makes it.
_PATIENCE = 15.0
_LOOK = 0.2
_LONGEST = 40


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Replay plans: what would happen, before it does.")
    group.command("list", epilog="Example: tieout plans list --json")(listed)
    group.command(epilog="Example: tieout plans show P-3301")(show)
    group.command(epilog="Example: tieout plans confirm P-3301 --first 1")(confirm)
    group.command(epilog="Example: tieout plans approve P-3301 --as anna.fischer@acme.example")(approve)
    group.command("stop", epilog="Example: tieout plans stop P-3301")(halt)
    group.command(epilog="Example: tieout plans discard P-3301")(discard)
    app.add_typer(group, name="plans", epilog="Example: tieout plans list")


def listed(as_json: AsJson = False) -> None:
    """List the latest plans, the newest first."""
    from tieout.cli.desk import looked_up
    from tieout.store import plans

    found = looked_up(lambda tx: plans.listed(tx, 50))
    if as_json:
        document([_told(each) for each in found])
        return
    if not found:
        line("Nobody has asked for a replay yet.")
        return
    table(
        ("plan", "state", "documents", "what", "made by"),
        [(f"P-{each['id']}", each["state"], f"{each['items']:,}", each["what"], each["made_by"]) for each in found],
        right=("documents",),
    )


def show(number: Number, as_json: AsJson = False) -> None:
    """Say what a plan would do, or what became of it."""
    from tieout.cli.desk import at_desk

    wanted = number_of(number)
    found = at_desk(lambda desk: read(desk, wanted))
    document(found) if as_json else tell(found)


def confirm(
    number: Number,
    hash_: Annotated[
        str, typer.Option("--hash", help="Only if it is still this plan; left out, the one that is there now.")
    ] = "",
    first: Annotated[int | None, typer.Option(min=1, help="Only its first documents, to try it.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Stay until everything has come to its end.")] = True,
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Let exactly this plan begin. The world is looked at once more; if it has moved, nothing begins."""
    from tieout.cli.desk import actor, at_desk

    wanted = number_of(number)

    async def work(desk: Desk) -> dict[str, Any]:
        seen = hash_ or (await read(desk, wanted))["hash"]
        if not await desk.replays.confirm(wanted, hash_=seen, actor=actor(name), first=first):
            aside(f"P-{wanted} was confirmed before.")
        return await (ended(desk, wanted) if wait else read(desk, wanted))

    conclude(at_desk(work), as_json=as_json)


def approve(number: Number, name: InTheNameOf = "", as_json: AsJson = False) -> None:
    """Agree to a plan that somebody else made."""
    from tieout.cli.desk import actor, at_desk

    wanted = number_of(number)
    at_desk(lambda desk: desk.replays.approve(wanted, actor=actor(name)))
    document({"plan": f"P-{wanted}", "approved_by": actor(name)}) if as_json else line(f"P-{wanted} is approved.")


def halt(number: Number, name: InTheNameOf = "", as_json: AsJson = False) -> None:
    """Take back what has not begun; what is at work comes to its end."""
    from tieout.cli.desk import actor, at_desk

    wanted = number_of(number)
    back = at_desk(lambda desk: desk.replays.stop(wanted, actor=actor(name)))
    if as_json:
        document({"plan": f"P-{wanted}", "taken_back": back})
    else:
        line(f"P-{wanted} is stopped; {back:,} had not begun.")


def discard(number: Number, name: InTheNameOf = "", as_json: AsJson = False) -> None:
    """Throw away a plan that nobody confirmed."""
    from tieout.cli.desk import actor, at_desk

    wanted = number_of(number)
    at_desk(lambda desk: desk.replays.discard(wanted, actor=actor(name)))
    document({"plan": f"P-{wanted}", "state": "discarded"}) if as_json else line(f"P-{wanted} is discarded.")


def number_of(text: str) -> int:
    from tieout.cli.holds import number_of as number

    return number(text)


# -- reading and telling, for `replay` too


async def read(desk: Desk, number: int) -> dict[str, Any]:
    """A plan with its items and its progress."""
    from tieout.store import plans

    async with desk.database.transaction() as tx:
        found = await plans.get(tx, number)
        if found is None:
            raise stop(Exit.PROBLEM, f"There is no plan P-{number}.", fix="`tieout plans list` shows them.")
        progress = await plans.progress(tx, number)
        items = await plans.items(tx, number)
    return {**_told(found), "progress": progress, "items": [_item(each) for each in items]}


async def made(desk: Desk, number: int) -> dict[str, Any]:
    """The plan as soon as it is made."""
    return await _until(desk, number, ("making",))


async def ended(desk: Desk, number: int) -> dict[str, Any]:
    """The plan when everything that was confirmed has come to its end."""
    return await _until(desk, number, ("making", "checking", "running"))


async def _until(desk: Desk, number: int, busy: tuple[str, ...]) -> dict[str, Any]:
    """Shows how far it is; gives up when nobody is at work."""
    from asyncio import sleep

    from tieout.store import plans

    seen: Any = None
    since = time.monotonic()
    while True:
        async with desk.database.transaction() as tx:
            found = await plans.get(tx, number)
            progress = await plans.progress(tx, number)
        if found is None or found["state"] not in busy:
            return await read(desk, number)
        if (now := (found["state"], progress)) != seen:
            seen, since = now, time.monotonic()
            aside(f"  {_how_far(found['state'], progress)}")
        if time.monotonic() - since > _PATIENCE:
            raise stop(
                Exit.UNREACHABLE,
                f"Nobody works on P-{number}.",
                fix="Start a hub with `tieout serve`, then `tieout plans show P-…` again; nothing is lost.",
            )
        await sleep(_LOOK)


def _how_far(state: str, progress: dict[str, int]) -> str:
    match state:
        case "making":
            return f"{progress['found']:,} of {progress['items']:,} found out"
        case "checking":
            return f"{progress['checked']:,} looked at once more"
        case _:
            over = progress["done"] + progress["held"]
            return f"{over:,} of {over + progress['released']:,} have come to their end"


def tell(found: dict[str, Any]) -> None:
    """A plan for a person to read before anything moves, and what became of it afterwards."""
    line(f"{found['plan']}  {found['what']}  ({found['how'].replace('_', ' ')}): {found['state']}")
    if found["reason"]:
        line(f"  {found['reason']}")
    sums = found["sums"]
    if sums is None:
        return
    for key, count in sums["lines"].items():
        act, connection, does = key.split("|", 2)
        line(f"  {_WILL[act]:<14}{count:>6,}  {does} in {connection}")
    line(f"  {'would end':<14}{'':>6}  " + ", ".join(f"{count:,} {end}" for end, count in sums["ends"].items()))
    if sums["irreversible"]:
        cannot = ", ".join(f"{key.partition('|')[2]} ({count:,})" for key, count in sums["irreversible"].items())
        line(f"  cannot be undone:  {cannot}")
    line(f"  money touched:     {_money(sums['money_now'])}; unblocks {_money(sums['unblocks'])}")
    line(f"  guarantee classes: {', '.join(f'{k} ({n:,})' for k, n in sums['guarantees'].items()) or 'no writes'}")
    line(f"  takes about:       {sums['seconds']:,.0f} s")
    needed = found["needs_approval"]
    if needed:
        said = f"approved by {found['approved_by']}" if found["approved_by"] else "not given yet"
        line(f"  needs approval:    {needed} ({said})")
    for item in found["items"][:_LONGEST]:
        _tell_item(item)
    if len(found["items"]) > _LONGEST:
        line(f"  … and {len(found['items']) - _LONGEST:,} more (--json has all)")


_WILL = {"create": "will create", "update": "will update", "skip": "already there", "ask": "will ask"}


def _tell_item(item: dict[str, Any]) -> None:
    content = item["content"]
    if content is None:
        return
    became = "" if item["state"] == "planned" else f"  → {item['state']} {item['outcome']}".rstrip()
    line(f"  {item['position']:>4}. {content['title']}: {content['end']}{became}")
    for text in (*content["problems"], *content["differs"], content["why"]):
        if text:
            line(f"        {text}")


def _money(amounts: dict[str, str]) -> str:
    return " + ".join(f"{amount} {currency}" for currency, amount in amounts.items()) or "none"


def conclude(found: dict[str, Any], *, as_json: bool) -> None:
    """Prints what it came to; 0 only if nothing moved and nothing is held."""
    document(found) if as_json else tell(found)
    if found["state"] == "moved":
        raise stop(Exit.PROBLEM, f"Nothing began: {found['reason']}.", fix="Make a new plan with `tieout replay`.")
    if found["progress"]["held"]:
        raise stop(
            Exit.PROBLEM, f"{found['progress']['held']:,} documents still wait.", fix="`tieout holds list` says why."
        )


def _told(found: dict[str, Any]) -> dict[str, Any]:
    names = (
        "state", "reason", "what", "how", "again", "made_by", "made_at", "hash", "sums", "needs_approval", "approved_by",
        "confirmed_by", "confirmed_at", "ended_at",
    )  # fmt: skip
    return {"plan": f"P-{found['id']}", **{name: found[name] for name in names}}


def _item(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("position", "run_id", "state", "outcome", "content")}
