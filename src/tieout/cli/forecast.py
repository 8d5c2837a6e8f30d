"""`forecast`: what waits for each system, and when it will be done."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, document, line, table

if TYPE_CHECKING:
    from tieout.engine.outlook import SystemOutlook
    from tieout.store.database import Tx

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout forecast --json | jq '.[].ends'")(forecast)


def forecast(as_json: AsJson = False) -> None:
    """When will it be done? What waits for each system, how fast that may be called, and when the last of it ends."""
    from tieout.cli.desk import looked_up, now
    from tieout.domain.firm import Firm
    from tieout.engine.outlook import outlook
    from tieout.flows.catalogue import FLOWS
    from tieout.store import firm

    async def read(tx: Tx) -> list[SystemOutlook] | None:
        stored = await firm.current(tx)
        return await outlook(tx, Firm.model_validate(stored["content"]), FLOWS, now()) if stored else None

    found = looked_up(read)
    if found is None:
        raise stop(Exit.CONFIGURATION, "There is no firm yet.", fix="Run `tieout apply` in the firm folder.")
    if as_json:
        document([_shown(each) for each in found])
        return
    for each in found:
        if each.told:
            line(f"{each.connection}: {each.told}")
        if each.read_later:
            line(f"{each.connection} is read later, and keeps it until then: {each.read_later}")
    table(
        ("system", "allowed/s", "takes/s", "calls 24 h", "refused", "left today", "kept back now"),
        [
            (
                each.connection, f"{each.allowed:.1f}", f"{each.speed:.1f}" if each.speed else "not known yet",
                f"{each.accepted + each.refused:,}", f"{each.refused:,}", "—" if each.left is None else f"{each.left:,}",
                ", ".join(each.kept_back),
            )
            for each in found
        ],
        right=("allowed/s", "takes/s", "calls 24 h", "refused", "left today"),
    )  # fmt: skip


def _shown(found: SystemOutlook) -> dict[str, Any]:
    """The outlook, its forecast flat: `working` in seconds, `ends` as a moment."""
    flat = {name: value for name, value in asdict(found).items() if name != "forecast"}
    if found.forecast is None:
        return {**flat, "calls": None, "working": None, "ends": None}
    return {
        **flat,
        "calls": found.forecast.calls,
        "working": found.forecast.working.total_seconds(),
        "ends": found.forecast.ends,
    }
