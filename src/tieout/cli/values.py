"""`values`: what words mean in value tables, and since when."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, InTheNameOf, document, line, table

if TYPE_CHECKING:
    from tieout.cli.desk import Desk
    from tieout.domain.firm import Firm
    from tieout.domain.values import ValueRow
    from tieout.engine.deeds import Released

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Value tables: what differs from firm to firm.")
    group.command("list", epilog="Example: tieout values list practice_department")(listed)
    group.command("set", epilog="Example: tieout values set practice_department 'People & Change' 440 --entity DE")(put)
    app.add_typer(group, name="values", epilog="Example: tieout values list")


def listed(
    name: Annotated[str, typer.Argument(metavar="[TABLE]", help="One table; left out, all of them.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the rows in force and to come; an empty value ends a row's validity."""
    from tieout.cli.desk import looked_up
    from tieout.store import firm

    found = [_shown(each) for each in looked_up(lambda tx: firm.values(tx, name or None))]
    if as_json:
        document(found)
    elif not found:
        line("There are no rows." if not name else f"The table {name} has no rows.")
    else:
        titles = ("table", "key", "value", "entity", "valid_from", "author")
        table([each.replace("_", " ") for each in titles], [[str(each[one]) for one in titles] for each in found])


def put(
    name: Annotated[str, typer.Argument(metavar="TABLE", help="practice_department, for example.")],
    key: Annotated[str, typer.Argument(help="The word, as the source writes it.")],
    value: Annotated[str, typer.Argument(help="What it means.")],
    entity: Annotated[str, typer.Option(help="In which legal entity; left out, in every one.")] = "*",
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="Since when; left out, since 1 January of this year."),
    ] = None,
    actor: InTheNameOf = "",
    as_json: AsJson = False,
) -> None:
    """Say what a word means, and let everything go on that waited for it. A table with four eyes waits for a second pair."""
    from tieout.cli.desk import at_desk

    async def work(desk: Desk) -> tuple[ValueRow, bool, Released]:
        row, four_eyes = await _row(desk, name, key, value, entity, since.date() if since else None, actor)
        done = await desk.operator.set_value(row, four_eyes=four_eyes)
        return row, four_eyes, done

    row, waits, released = at_desk(work)
    plan = f"P-{released.plan}" if released.plan else None
    if as_json:
        document({**_shown(row), "waits_for_approval": waits, "runs": released.runs, "plan": plan})
        return
    line(
        f"{name}: “{row.key}” means “{row.value}”"
        + (f" in {entity}" if entity != "*" else "")
        + f" from {row.valid_from}."
    )
    if waits:
        line("The table has four eyes: somebody else must approve the row.")
    if plan:
        line(
            f"Many documents waited for it: `tieout plans show {plan}` says what they would do, `confirm` lets them go on."
        )
    for each in released.runs:
        line(f"→ {each}")


async def _row(
    desk: Desk, table: str, key: str, value: str, entity: str, since: date | None, name: str
) -> tuple[ValueRow, bool]:
    from tieout.cli.desk import actor, now
    from tieout.domain.firm import Firm
    from tieout.domain.values import ValueRow
    from tieout.store import firm as firms

    async with desk.database.transaction() as tx:
        stored = await firms.current(tx)
    firm = Firm.model_validate(stored["content"]) if stored else None
    four_eyes = _known(firm, table, entity)
    return ValueRow(table, key, value, entity, since or date(now().year, 1, 1), actor(name)), four_eyes


def _known(firm: Firm | None, table: str, entity: str) -> bool:
    """Whether the table has four eyes. Raises Stop for a table or an entity that the firm does not have."""
    if firm is None:
        raise stop(Exit.CONFIGURATION, "The database holds no firm yet.", fix="Run `tieout apply` in the firm folder.")
    tables = {each.name: each.four_eyes for each in firm.tables}
    if table not in tables:
        fix = f"Say one of: {', '.join(sorted(tables))}." if tables else "Write a file into tables/ of the firm folder."
        raise stop(Exit.PROBLEM, f"The firm has no value table “{table}”.", fix=fix)
    entities = [each.code for each in firm.entities]
    if entity != "*" and entity not in entities:
        raise stop(Exit.PROBLEM, f"The firm has no legal entity “{entity}”.", fix=f"Say one of: {', '.join(entities)}.")
    return tables[table]


def _shown(row: ValueRow) -> dict[str, Any]:
    return {
        "table": row.table,
        "key": row.key,
        "value": row.value,
        "entity": row.entity,
        "valid_from": row.valid_from,
        "author": row.author,
    }
