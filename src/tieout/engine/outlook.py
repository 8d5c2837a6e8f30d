"""How fast each system may be called, what waits for it, and when that will be done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from tieout.domain.firm import Firm
from tieout.domain.limits import forecast
from tieout.domain.limits.forecast import Forecast, Load, Speed
from tieout.domain.limits.grant import Shared
from tieout.domain.limits.pace import for_persons, left, measured, per_second
from tieout.domain.limits.settings import LANES, Lane
from tieout.engine.limiter import rule_of
from tieout.engine.run import Flow
from tieout.store import forecast as facts
from tieout.store.database import Tx

_SHARED: TypeAdapter[Shared] = TypeAdapter(Shared)
# Its lines are written to the ERP of a legal entity; those of other flows to wherever such lines went before.
_BY_ENTITY = "time_to_erp"


@dataclass(frozen=True, slots=True)
class SystemOutlook:
    """One system: calls per second that are allowed now, and that it took (None before it is known); calls of the last 24 hours,
    and how many a limit refused; calls left of a daily budget, ours; what waits, and the lanes that this hour keeps back;
    what is not read from it for now, and why.

    `forecast` is None when nothing waits, or when nothing like it was done before.
    """

    connection: str
    allowed: float
    speed: float | None
    accepted: int
    refused: int
    left: int | None
    kept_back: tuple[Lane, ...]
    waiting: int
    forecast: Forecast | None
    told: str
    read_later: str


async def outlook(tx: Tx, firm: Firm, flows: Sequence[Flow], now: datetime) -> list[SystemOutlook]:
    """Every connection of the books, by name."""
    waiting, costs, paces = await facts.waiting(tx), await facts.costs(tx, now), await facts.paces(tx, now)
    local = now.astimezone(ZoneInfo(firm.time_zone))
    waits = loads(firm, flows, waiting, costs)
    return [_of(each, firm, waits[each["connection"]], local) for each in paces]


def loads(
    firm: Firm, flows: Sequence[Flow], waiting: Sequence[Mapping[str, Any]], costs: Sequence[Mapping[str, Any]]
) -> dict[str, list[Load]]:
    """What waits for each connection (store.forecast): the calls that such lines took before, per line of the flow."""
    errands: Mapping[str, Lane] = {each.name: each.errand for each in flows}
    calls = {(each["flow"], each["connection"]): each["calls"] for each in costs}
    lines = {(each["flow"], each["connection"]): each["lines"] for each in costs}
    found: dict[str, list[Load]] = defaultdict(list)
    for each in waiting:
        flow, lane = each["flow"], "backfill" if each["backfill"] else errands.get(each["flow"], "master")
        erp = firm.connection("erp", each["entity"]) if flow == _BY_ENTITY else None
        for of, name in calls:
            per = lines[flow, name if erp else ""] if of == flow else 0
            if name and per and calls[flow, name] and erp in (None, name):
                found[name].append(Load(lane, each["lines"], each["lines"] * calls[flow, name] / per))
    return found


def _of(stored: Mapping[str, Any], firm: Firm, loads: Sequence[Load], now: datetime) -> SystemOutlook:
    settings = firm.limits(stored["connection"])
    pace, rule = _SHARED.validate_python(stored["shared"]).pace, rule_of(settings, now)
    speed = measured(pace, stored["now"]) or stored["speed"]
    allowed, rest = per_second(pace, rule), left(pace, rule)
    day = None if pace.budget is None else int(pace.budget.limit * rule.share)
    ahead = Speed(speed or allowed, rest, day, for_persons(pace, stored["now"]))
    found = forecast.forecast(loads, ahead, settings, now) if loads else None
    lanes = settings.lanes_at(now)
    return SystemOutlook(
        connection=stored["connection"],
        allowed=allowed,
        speed=speed,
        accepted=stored["accepted"],
        refused=stored["refused"],
        left=rest,
        kept_back=tuple(each for each in LANES if each not in lanes),
        waiting=sum(each.lines for each in loads),
        forecast=found,
        told=forecast.told(found, now) if found else "",
        read_later=stored["read_later"],
    )
