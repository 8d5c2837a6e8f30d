"""`events`: what is billed beside hours, and how each of it stands."""

from __future__ import annotations

from typing import Annotated

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, document, line, table

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout events --engagement ENG-7K3M9QXA --state open")(events)


def events(
    engagement: Annotated[str, typer.Option(help="Of one engagement, by our key.")] = "",
    kind: Annotated[str, typer.Option(help="fee, milestone, expense or usage.")] = "",
    state: Annotated[str, typer.Option(help="waits, not_judged, open, billed or set_aside.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=5000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List fees, milestones, expenses and usage, the latest first; `tieout lineage CONNECTION/ID` tells what became of one."""
    from tieout.cli.amounts import for_people, written
    from tieout.cli.desk import looked_up
    from tieout.store import events

    for said, known in ((kind, events.KINDS), (state, events.STATES)):
        if said and said not in known:
            raise stop(Exit.USAGE, f"There is no “{said}” here.", fix=f"Say one of: {', '.join(known)}.")
    rows = looked_up(lambda tx: events.page(tx, engagement=engagement, kind=kind, state=state, limit=limit))
    if as_json:
        same = ("connection", "source_id", "name", "day", "engagement", "entity", "sold", "state", "problem")
        document(
            [
                {**{name: each[name] for name in same}, "kind": each["shown_kind"], "currency": each["currency"],
                 **{name: written(each[name], each["currency"]) or None for name in ("worth", "billed", "set_aside")}}
                for each in rows
            ]
        )  # fmt: skip
    elif not rows:
        line("There are no such events.")
    else:
        table(
            ("day", "kind", "event", "engagement", "worth", "billed", "not billed", "state", "id"),
            [
                (
                    str(each["day"]), each["shown_kind"], each["name"], each["engagement"],
                    *("" if each[name] is None else for_people(each[name], each["currency"]) for name in ("worth", "billed", "set_aside")),
                    each["problem"] or each["state"], f"{each['connection']}/{each['source_id']}",
                )
                for each in rows
            ],
            right=("worth", "billed", "not billed"),
        )  # fmt: skip
