"""Every page of the console on a believable day."""

from __future__ import annotations

import pytest
from tests.console.world import Caller, World

pytestmark = pytest.mark.anyio


async def test_every_page_of_the_console_is_shown(world: World, anna: Caller) -> None:
    for path in pages_of(world):
        await anna.get(path)


def pages_of(world: World) -> list[str]:
    """Every kind of page, and every hold, deal, run and invoice of the seeded day."""
    seeded = world.seeded
    return [
        "/", "/holds", "/holds?tab=needs", "/holds?tab=snoozed", "/holds?tab=resolved", "/holds?text=nothing-like-it",
        "/holds?age=4h", "/approvals", "/documents", "/documents?kind=project", "/documents?kind=customer", "/invoices",
        "/invoices?stage=billed", "/invoices?stage=proposed", "/runs", "/runs?state=held", "/systems", "/systems/kantata",
        "/tables", "/tables/practice_department?value=People&entity=DE", "/palette", "/palette?q=globex",
        *(f"/holds/H-{each}" for each in seeded.holds.values()),
        *(f"/holds/H-{each}/peek" for each in seeded.holds.values()),
        *(f"/approvals/A-{each}" for each in seeded.approvals),
        *(f"/documents/engagement/{each}" for each in seeded.engagements.values()),
        *(f"/runs/{each.replace('#', '%23')}" for each in seeded.runs.values()),
        *(f"/invoices/{each}" for each in seeded.invoices),
        *(f"/entries/kantata/{each}" for each in seeded.entries[:2]),
        *(f"/invoices/{each}/lines/02" for each in seeded.invoices),
    ]  # fmt: skip
