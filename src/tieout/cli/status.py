"""`status`: how the hub is, in one screen, and whether everything ties out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from tieout.cli.exits import Exit
from tieout.cli.speech import AsJson, document, line, table

if TYPE_CHECKING:
    from tieout.cli.desk import Desk
    from tieout.store.figures import Figures

# ruff: noqa: PLC0415 - a command imports what it needs when it is called

_MONEY = (
    "sold",
    "booked",
    "approved",
    "unbilled",
    "at_risk",
    "set_aside",
    "overage",
    "proposed",
    "billed_net",
    "paid",
    "open",
)


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout status --json | jq .ties_out")(status)


def status(as_json: AsJson = False) -> None:
    """How the hub is: systems, work, what waits for people, and the figures. Ends with 1 when they do not tie out.

    It ends with 3 when the self-check refuses the database: then `tieout serve` would not start.
    """
    from tieout.cli.desk import at_desk, disk, now, settings
    from tieout.store.figures import figures
    from tieout.store.selfcheck import self_check

    async def work(desk: Desk) -> tuple[Figures, dict[str, Any]]:
        checked = await self_check(desk.database, now, disk(settings()))
        return await figures(desk.database), {**await _surroundings(desk), "self_check": checked}

    found, around = at_desk(work)
    if as_json:
        document({**around, **_shown(found)})
    else:
        _print(found, around)
    if any(each.level == "refusal" for each in around["self_check"]):
        raise typer.Exit(Exit.CONFIGURATION)
    if not found.ties_out:
        raise typer.Exit(Exit.PROBLEM)


async def _surroundings(desk: Desk) -> dict[str, Any]:
    from tieout.cli.desk import now
    from tieout.store import firm, story, workers, worklist

    moment = now()
    async with desk.database.transaction() as tx:
        stored = await firm.current(tx)
        waiting = await worklist.counts(tx, moment)
        systems = await story.systems(tx, moment - timedelta(days=1))
        return {
            "firm": {"name": stored["content"].get("name", ""), "version": stored["version"]} if stored else None,
            "workers": len(await workers.present(tx)),
            "systems": [_system(each) for each in systems],
            "runs": await story.run_states(tx),
            "waiting": {name: waiting[name] for name in ("holds", "approvals", "paused")},
        }


def _system(found: dict[str, Any]) -> dict[str, Any]:
    health: dict[str, Any] = found["health"] or {}
    return {
        "name": found["name"],
        "kind": found["kind"],
        "role": found["role"],
        "entity": found["entity"],
        "state": found["state"],
        "reason": found["reason"],
        "answers": health.get("ok"),
        "detail": health.get("detail", ""),
        "read_later": "; ".join(f"{each['kind']}: {each['waits']}" for each in found["cursors"] if each["waits"]),
        "checked_at": found["checked_at"],
        "messages_today": found["messages"],
        "unknown_effects": found["unknown"],
    }


def _shown(found: Figures) -> dict[str, Any]:
    from tieout.cli.amounts import differences, totals

    return {
        "holds": [
            {"entity": each.entity, "code": each.code, "open": each.open, "resolved": each.resolved}
            for each in found.holds
        ],
        "totals": totals(found.totals),
        "differences": differences(found.differences),
        "ties_out": found.ties_out,
    }


def _print(found: Figures, around: dict[str, Any]) -> None:
    from tieout.cli.amounts import for_people

    firm, waiting = around["firm"], around["waiting"]
    line(f"{firm['name']}, version {firm['version']}" if firm else "No firm yet: run `tieout apply`.")
    for each in around["self_check"]:
        if each.level != "ok":
            line(f"{'✗' if each.level == 'refusal' else '!'} {each}")
    line(f"Workers: {around['workers']} · runs: " + (_listed(around["runs"]) or "none"))
    line(f"Waiting for people: {waiting['holds']} holds, {waiting['approvals']} approvals")
    table(
        ("system", "role", "entity", "state", "detail"),
        [
            (each["name"], each["role"], each["entity"] or "all", _state(each), _detail(each))
            for each in around["systems"]
        ],
    )
    titles = ("entity", "currency", "deals", "projects", "invoices", *_MONEY)
    table(
        [each.replace("_", " ") for each in titles],
        [
            (
                each.entity or "—", each.currency or "—", str(each.deals), str(each.projects), str(each.invoices),
                *(for_people(getattr(each, name), each.currency) for name in _MONEY),
            )
            for each in found.totals
        ],
        right=[each.replace("_", " ") for each in titles[2:]],
    )  # fmt: skip
    wrong = [each for each in found.differences if each.amount]
    for each in wrong:
        line(f"✗ {each.name}: {each.entity} {for_people(each.amount, each.currency)} {each.currency}".rstrip())
    line(
        f"✗ {len(wrong)} figures do not tie out." if wrong else f"✓ {len(found.differences)} comparisons, all at zero."
    )


def _state(system: dict[str, Any]) -> str:
    if system["state"] == "paused":
        return "paused"
    return {True: "answers", False: "does not answer", None: "not asked yet"}[system["answers"]]


def _detail(system: dict[str, Any]) -> str:
    """Why it is paused; else what is not read from it for now; else what it said of itself."""
    later = f"read later: {system['read_later']}" if system["read_later"] else ""
    return system["reason"] or later or system["detail"]


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
