"""Date literals: which days TODAY, LAST_WEEK or NEXT_N_MONTHS:2 mean on a given day."""

from __future__ import annotations

import re
from datetime import date, timedelta

from tieout.connectors.salesforce.emulator.soql.syntax import DateLiteral

_NAMED = re.compile(r"(LAST|THIS|NEXT)_(?:FISCAL_)?(WEEK|MONTH|QUARTER|YEAR)")
_COUNTED = re.compile(r"(LAST|NEXT)_N_(?:FISCAL_)?(DAY|WEEK|MONTH|QUARTER|YEAR)S")
_AGO = re.compile(r"N_(?:FISCAL_)?(DAY|WEEK|MONTH|QUARTER|YEAR)S_AGO")
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_DAYS = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}


def days_of(literal: DateLiteral, today: date) -> tuple[date, date] | None:
    """The first day and the day after the last; weeks begin on Sunday, fiscal years in January. None: no such literal."""
    name = literal.name
    if name in _DAYS:
        day = today + timedelta(days=_DAYS[name])
        return day, day + timedelta(days=1)
    if name in ("LAST_90_DAYS", "NEXT_90_DAYS"):
        return _counted(name[:4], "DAY", 90, today)
    if found := _NAMED.fullmatch(name):
        step = {"LAST": -1, "THIS": 0, "NEXT": 1}[found[1]]
        return _period(found[2], step, 1, today)
    if found := _COUNTED.fullmatch(name):
        return _counted(found[1], found[2], literal.count, today)
    if found := _AGO.fullmatch(name):
        return _period(found[1], -literal.count, 1, today)
    return None


def _counted(direction: str, unit: str, count: int, today: date) -> tuple[date, date]:
    """LAST_N_DAYS includes today; the longer units leave out the current one."""
    if unit == "DAY":
        day = timedelta(days=1)
        return (today - count * day, today + day) if direction == "LAST" else (today + day, today + (count + 1) * day)
    return _period(unit, -count, count, today) if direction == "LAST" else _period(unit, 1, count, today)


def _period(unit: str, step: int, count: int, today: date) -> tuple[date, date]:
    """`count` whole units from the `step`th after the current one."""
    if unit == "DAY":
        first = today + timedelta(days=step)
        return first, first + timedelta(days=count)
    if unit == "WEEK":
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        return sunday + timedelta(weeks=step), sunday + timedelta(weeks=step + count)
    months = _MONTHS[unit]
    number = (today.year * 12 + today.month - 1) // months
    return _month((number + step) * months), _month((number + step + count) * months)


def _month(number: int) -> date:
    year, month = divmod(number, 12)
    return date(year, month + 1, 1)
