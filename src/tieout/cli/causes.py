"""`holds causes`: what waits, gathered by what one fix ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tieout.cli.speech import AsJson, document, line, table

if TYPE_CHECKING:
    from tieout.store.database import Tx
    from tieout.store.worklist import CauseSum

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def causes(as_json: AsJson = False) -> None:
    """List what waits by its cause, the most urgent first: one missing value is one line, however many documents wait for it."""
    from tieout.cli.desk import looked_up, now
    from tieout.store import holds, worklist

    async def read(tx: Tx) -> list[dict[str, Any]]:
        found = await worklist.causes(tx, worklist.Wanted(me="", now=now()))
        firsts = {each["id"]: each for each in await holds.some(tx, [each.first for each in found])}
        return [_shown(each, firsts[each.first]) for each in found]

    found = looked_up(read)
    if as_json:
        document(found)
        return
    if not found:
        line("Nothing waits for a person.")
        return
    table(
        ("holds", "amount", "due", "what", "first"),
        [
            (
                str(each["holds"]),
                " + ".join(f"{one['amount']} {one['currency']}" for one in each["amounts"]),
                f"{each['due_at']:%Y-%m-%d %H:%M}",
                each["what"],
                each["first"],
            )
            for each in found
        ],
        right=("holds", "amount"),
    )


def _shown(summed: CauseSum, first: dict[str, Any]) -> dict[str, Any]:
    from tieout.cli.amounts import written
    from tieout.cli.one_hold import shown

    told = shown(first)
    return {
        "cause": summed.cause,
        "holds": summed.holds,
        "documents": summed.documents,
        "amounts": [{"amount": written(each.amount, each.currency), "currency": each.currency} for each in summed.sums],
        "due_at": summed.due_at,
        "urgency": f"{summed.urgency:.2f}",
        **{name: told[name] for name in ("code", "what", "fix", "owner", "team")},
        "first": told["hold"],
    }
