"""Readings of metered usage have come in: each finds its package in the contract of its day, and the bad ones wait alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tieout.domain.problems import Problem
from tieout.engine.run import Run, flow
from tieout.systems.systems import Systems


@flow(version=1, title="Metered usage → package of the contract", page=5000, errand="billing")
async def usage_records(run: Run, systems: Systems) -> None:
    source = run.subject.split("/")[0]
    await run.about(title=f"{len(run.messages)} readings of {source}")
    await check_usage(run, systems, source, [each.ref.id for each in run.messages])


async def check_usage(
    run: Run, systems: Systems, source: str, ids: Sequence[str] = (), *, engagement: str = ""
) -> None:
    """Judges these readings, those of an engagement and all that had a problem; the holds stand for causes, not for readings."""
    metering = systems.metering
    await run.step(f"the packages of {source}'s readings", metering.judge, source, ids, engagement)
    causes = await run.step("settle the messages", metering.settle, source, run.id)
    await run.stand("usage_records", f"{source}/usage", [_problem(each, source) for each in causes])


async def check_usage_of(run: Run, systems: Systems, engagement: str) -> None:
    """An engagement's contract is new, or is billed: its readings are judged by what it says now."""
    for source in await systems.metering.sources(engagement):
        await check_usage(run, systems, source, engagement=engagement)


def _problem(cause: Mapping[str, Any], source: str) -> Problem:
    days = sorted({str(cause["first_day"]), str(cause["last_day"])})
    facts = {
        "source": source,
        "engagement": cause["engagement_ref"],
        "entity": cause["entity"],
        "meter": cause["meter"],
        "unit": cause["unit"],
        "quantity": f"{cause['quantity'].normalize():f}",
        "readings": "1 reading" if cause["readings"] == 1 else f"{cause['readings']} readings",
        "days": " to ".join(days),
        "agreed": cause["agreed_unit"],
        "link": f"/x/{quote(cause['one_reading'])}",
    }
    return Problem(cause["problem"], facts)
