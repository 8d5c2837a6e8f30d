"""What a confirmed replay plan lets a run write, and nothing beyond it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tieout.connectors.contract import Write
from tieout.domain.identity import content_hash
from tieout.domain.plan import NEW, PlannedItem
from tieout.store import plans
from tieout.store.database import Tx


@dataclass(frozen=True, slots=True)
class Permit:
    """Target (connection, operation, subject) → the fingerprint of the content, empty where it was still open.

    `again` names the step whose repeatable writes are sent once more although the target has confirmed them.
    """

    plan: int
    targets: Mapping[tuple[str, str, str], str]
    again: str = ""

    def allows(self, connection: str, write: Write) -> bool:
        shown = self.targets.get((connection, write.operation, write.subject))
        return shown is not None and shown in ("", content_of(write))


def content_of(write: Write) -> str:
    """A fingerprint of what is written; empty where ids stand in it that are still to be made."""
    return "" if NEW in str(write.body) else content_hash(dict(write.body))


async def permit_of(tx: Tx, run: Mapping[str, Any]) -> Permit | None:
    """The permit of the plan that let the run go; None when no plan did."""
    if run["plan"] is None:
        return None
    item = await plans.permitted(tx, run["plan"], run["id"])
    assert item is not None, f"plan {run['plan']} has no item for {run['id']}"
    shown = PlannedItem.model_validate(item["content"])
    return Permit(run["plan"], {each.target: each.content for each in shown.writes}, item["again"])
