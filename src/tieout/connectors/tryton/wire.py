"""Tryton's JSON: dates, durations, money and bytes as objects that name their class, and a call as bytes that can be kept.

The envelope has exactly the keys `id`, `method` and `params`: with any other set of keys Tryton answers its errors as
HTML pages instead of JSON.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

CLASS = "__class__"


def encode_call(method: str, params: list[Any]) -> bytes:
    """The body of one call. The same call is always the same bytes, so they can be stored and compared."""
    envelope = {"id": 1, "method": method, "params": params}
    return json.dumps(envelope, default=_to_wire, ensure_ascii=False, separators=(",", ":")).encode()


def decode(body: bytes) -> Any:
    """An answer's JSON. Plain JSON fractions (quantities) become Decimal too, so that no float enters the hub.

    Raises ValueError when the body is not JSON.
    """
    return json.loads(body, object_hook=_from_wire, parse_float=Decimal)


def _to_wire(value: object) -> dict[str, Any]:
    match value:
        case dt.datetime():
            if value.tzinfo is not None:  # Tryton's time stamps are in UTC and say so nowhere
                value = value.astimezone(dt.UTC)
            clock = {"hour": value.hour, "minute": value.minute, "second": value.second}
            return {CLASS: "datetime", **_calendar(value), **clock, "microsecond": value.microsecond}
        case dt.date():
            return {CLASS: "date", **_calendar(value)}
        case dt.timedelta():
            return {CLASS: "timedelta", "seconds": value.total_seconds()}
        case Decimal():
            return {CLASS: "Decimal", "decimal": format(value, "f")}
        case bytes():
            return {CLASS: "bytes", "base64": base64.b64encode(value).decode()}
        case _:
            raise TypeError(f"Tryton's JSON has no form for {type(value).__name__}")


def _calendar(day: dt.date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def _from_wire(value: dict[str, Any]) -> Any:
    form = _FORMS.get(value.get(CLASS, ""))
    return value if form is None else form(value)


_CALENDAR = ("year", "month", "day")
_CLOCK = ("hour", "minute", "second", "microsecond")
_FORMS: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "datetime": lambda its: dt.datetime(*(its[part] for part in _CALENDAR + _CLOCK), tzinfo=dt.UTC),
    "date": lambda its: dt.date(*(its[part] for part in _CALENDAR)),
    "time": lambda its: dt.time(*(its[part] for part in _CLOCK)),
    "timedelta": lambda its: dt.timedelta(seconds=float(its["seconds"])),
    "Decimal": lambda its: Decimal(its["decimal"]),
    "bytes": lambda its: base64.b64decode(its["base64"]),
}
