"""`usage`: readings of metered usage from a file, after a look at what they would do; what is known of them, and what they became."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.exits import Complaint, Exit, Stop, stop
from tieout.cli.speech import AsJson, InTheNameOf, document, line, table

if TYPE_CHECKING:
    from tieout.cli.desk import Desk
    from tieout.domain.metering import Fault, UsageRule
    from tieout.engine.usage import Taken

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

_SHOWN = 20


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Metered usage: readings, from a file or one by one.")
    group.command("import", epilog="Example: tieout usage import october.csv --source metering")(take)
    group.command("list", epilog="Example: tieout usage list --waiting")(listed)
    group.command(epilog="Example: tieout usage show metering 2026-10-05/acme/storage")(show)
    app.add_typer(group, name="usage", epilog="Example: tieout usage list")


def take(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file with a header; docs/cli.md has its columns.")
    ],
    source: Annotated[str, typer.Option(help="Whose readings they are, as tieout.yaml names it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Take them at once.")] = False,
    name: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Show what a file of readings would do, and take them. Without --yes it is only shown, or asked for at a terminal."""
    from tieout.cli.desk import actor, at_desk
    from tieout.domain.metering import table as read

    rows, faults = read(_text(file))
    if faults:
        raise _refused(file, faults)

    async def look(desk: Desk) -> Taken:
        return await desk.operator.usage.preview(source, rows, await _rule(desk))

    async def act(desk: Desk) -> Taken:
        return await desk.operator.usage.take(source, rows, await _rule(desk), via="file", actor=actor(name))

    found = at_desk(look)
    if found.faults:
        raise _refused(file, found.faults)
    if not as_json:
        _tell(found, len(rows))
    news = sum(count for outcome, count in found.outcomes.items() if outcome != "same")
    taken = bool(news) and (yes or (not as_json and sys.stdin.isatty() and typer.confirm("Take them?")))
    if taken:
        found = at_desk(act)
        if found.faults:
            raise _refused(file, found.faults)
    if as_json:
        document({"taken": taken, **_shown(found)})
    elif taken:
        line("They are taken.")
    else:
        line("Nothing was taken: say --yes to take them." if news else "Nothing is new: there is nothing to take.")


def listed(
    source: Annotated[str, typer.Option(help="Of one source.")] = "",
    engagement: Annotated[str, typer.Option(help="Of one engagement, by our key.")] = "",
    waiting: Annotated[bool, typer.Option("--waiting", help="Only what waits for a person.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=5000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List readings in their newest versions, by source and id."""
    from tieout.cli.desk import looked_up
    from tieout.store import usage

    problem = "any" if waiting else ""
    rows = looked_up(
        lambda tx: usage.page(tx, source=source, engagement=engagement, problem=problem, after=None, limit=limit)
    )
    if as_json:
        document([{name: each[name] for name in (*_TITLES, "changed_at")} for each in rows])
    elif not rows:
        line("There are no such readings.")
    else:
        table(
            [each.replace("_", " ") for each in _TITLES],
            [[_text_of(each[one]) for one in _TITLES] for each in rows],
            right=("quantity", "version"),
        )


def show(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Whose reading it is.")],
    source_id: Annotated[str, typer.Argument(metavar="ID", help="The source's own id of it.")],
    as_json: AsJson = False,
) -> None:
    """Show a reading: every version of it, and the invoice lines that stand on it with its share of each."""
    from tieout.cli.amounts import for_people, written
    from tieout.cli.desk import looked_up
    from tieout.store import usage_story

    found = looked_up(lambda tx: usage_story.of(tx, source, source_id))
    if found is None:
        fix = "List what is known with `tieout usage list`."
        raise stop(Exit.PROBLEM, f"{source} has sent no reading “{source_id}”.", fix=fix)
    if as_json:
        lines = [
            {**{name: each[name] for name in ("invoice", "number", "state", "line", "version", "units")},
             "share": written(each["share"], each["currency"])} for each in found.billed
        ]  # fmt: skip
        document({**{name: found.reading[name] for name in _TITLES}, "versions": found.versions, "billed": lines})
        return
    reading = found.reading
    line(
        f"{source} {source_id}: {_text_of(reading['quantity'])} {reading['unit']} of {reading['meter']} on {reading['day']}"
    )
    line(
        f"  package  {reading['sold'] or 'not known'}"
        + (f", waits: {reading['problem']}" if reading["problem"] else "")
    )
    for each in found.versions:
        said = f"{each['body']['quantity']} {each['body']['unit']}"
        line(f"  version {each['version']}: {said}, from {each['sent_by']} at {each['seen_at']:%Y-%m-%d %H:%M}")
    for each in found.billed:
        share = f"{for_people(each['share'], each['currency'])} {each['currency']}"
        where = f"{each['number'] or each['invoice']} line {each['line']} ({each['state']})"
        line(f"  {where}: {share} of “{each['description']}”, version {each['version']}")


_TITLES = (
    "source", "source_id", "version", "engagement", "sold", "meter", "quantity", "unit", "day", "problem"
)  # fmt: skip


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as wrong:
        raise stop(Exit.PROBLEM, "The file is no text in UTF-8.", where=str(file), fix="Save it as UTF-8.") from wrong
    except OSError as wrong:
        raise stop(Exit.USAGE, f"The file cannot be read: {wrong.strerror}.", where=str(file)) from wrong


async def _rule(desk: Desk) -> UsageRule:
    from tieout.domain.firm import Firm
    from tieout.store import firm as firms

    async with desk.database.transaction() as tx:
        stored = await firms.current(tx)
    if stored is None:
        raise stop(Exit.CONFIGURATION, "The database holds no firm yet.", fix="Run `tieout apply` in the firm folder.")
    return Firm.model_validate(stored["content"]).usage


def _refused(file: Path, faults: list[Fault] | Any) -> Stop:
    """Every row that is wrong; nothing of the file is taken."""
    # The header is line 1 of the file, the first row line 2.
    complaints = [
        Complaint(
            f"{each.what}.",
            f"{file}:{each.row + 1}, {each.field}" if each.row and each.field else f"{file}:{each.row + 1}" if each.row else each.field,
            each.fix,
        )
        for each in faults[:_SHOWN]
    ]  # fmt: skip
    if len(faults) > _SHOWN:
        complaints.append(Complaint(f"{len(faults) - _SHOWN} more mistakes.", str(file)))
    return Stop(Exit.PROBLEM, *complaints)


def _tell(found: Taken, rows: int) -> None:
    line(
        f"{rows} readings: "
        + ", ".join(f"{count} {outcome}" for outcome, count in sorted(found.outcomes.items()))
        + "."
    )
    for each in found.corrected[:_SHOWN]:
        was, now = (f"{one.quantity:f} {one.unit}" for one in (each.was, each.now))
        line(f"  {each.source_id}: {was} becomes {now}, version {each.version}")
    if len(found.corrected) > _SHOWN:
        line(f"  and {len(found.corrected) - _SHOWN} more corrections")
    for code, count in found.waits.items():
        line(f"  {count} will wait: {code}")


def _shown(found: Taken) -> dict[str, Any]:
    return {
        "outcomes": dict(found.outcomes),
        "corrected": [
            {"source_id": each.source_id, "version": each.version, "was": each.was.quantity, "now": each.now.quantity}
            for each in found.corrected
        ],
        "waits": dict(found.waits),
    }


def _text_of(value: Any) -> str:
    from decimal import Decimal

    return "" if value is None else f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
