"""Bodies and values as they stand on the wire: JSON or nested Rails forms in, ids as strings and zoned times out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from tieout.connectors.kantata.emulator.failures import invalid, malformed

JsonObject = dict[str, Any]
_STEP = re.compile(r"\[([^\[\]]*)\]")
_TRUE = {"true", "1", "yes", "on"}


def read_body(content: bytes, media_type: str) -> JsonObject:
    """The request's body as one JSON object, whichever of the two formats it came in. Raises Refusal (400)."""
    if not content.strip():
        return {}
    if "urlencoded" in media_type:
        return read_form(content.decode("utf-8", "replace"))
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as wrong:
        raise malformed("There was a problem in the JSON you submitted") from wrong
    if not isinstance(body, dict):
        raise malformed("There was a problem in the JSON you submitted")
    return cast("JsonObject", body)


def read_form(form: str) -> JsonObject:
    """`workspace[custom_fields][][value]=x` becomes nested objects and arrays, as Rails does it. Raises Refusal (400)."""
    body: JsonObject = {}
    try:
        for name, value in parse_qsl(form, keep_blank_values=True):
            head, _, rest = name.partition("[")
            _place(body, [head, *_STEP.findall(f"[{rest}" if rest else "")], value)
        return cast("JsonObject", _lists(body))
    except (ValueError, TypeError, AttributeError, RecursionError) as wrong:
        raise malformed("There was a problem in the form you submitted") from wrong


def _place(node: JsonObject, steps: list[str], value: str) -> None:
    """Arrays are kept as objects with running numbers until all is read; a repeated key begins the next element."""
    first, *rest = steps
    if not rest:
        node[first] = value
        return
    child = node.setdefault(first, {})
    if rest[0] != "":
        _place(cast("JsonObject", child), rest, value)
        return
    elements = cast("JsonObject", child)
    if len(rest) == 1:
        elements[f"#{len(elements)}"] = value
        return
    last = f"#{len(elements) - 1}"
    if last not in elements or rest[1] in elements[last]:
        last = f"#{len(elements)}"
        elements[last] = {}
    _place(elements[last], rest[1:], value)


def _lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    children = {name: _lists(value) for name, value in cast("JsonObject", node).items()}
    numbered = [name for name in children if name.startswith("#") or name.isdigit()]
    if children and len(numbered) == len(children):
        return list(children.values())
    return children


# -- values of a body


def text(field: str, value: Any) -> str | None:
    return None if value is None else str(value)


def whole(field: str, value: Any) -> int | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation as wrong:
        raise invalid(field, f"{field} is not a number") from wrong
    if number != number.to_integral_value():
        raise invalid(field, f"{field} must be an integer")
    return int(number)


def decimal(field: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    try:
        return str(Decimal(str(value)))
    except InvalidOperation as wrong:
        raise invalid(field, f"{field} is not a number") from wrong


def flag(field: str, value: Any) -> bool | None:
    return None if value is None or value == "" else truth(str(value))


def identifier(field: str, value: Any) -> str | None:
    """Ids are accepted as numbers and as strings, and are strings from here on."""
    return None if value in (None, "", "null") else str(value)


def identifiers(field: str, value: Any) -> list[str]:
    if value in (None, ""):
        return []
    given: list[Any] = cast("list[Any]", value) if isinstance(value, list) else str(value).split(",")
    return [str(each) for each in given if str(each).strip()]


def day(field: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    found = read_day(str(value))
    if found is None:
        raise invalid(field, f"{field} is not a valid date")
    return found.isoformat()


def as_given(field: str, value: Any) -> Any:
    return value


Coerce = Callable[[str, Any], Any]


# -- values of a query and of an answer


def truth(value: str) -> bool:
    return value.strip().lower() in _TRUE


def read_day(value: str) -> date | None:
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        return None


def read_instant(value: str) -> datetime | None:
    """ISO 8601 with or without zone and time; a `+` that a careless client left unquoted arrives as a blank."""
    try:
        moment = datetime.fromisoformat(value.strip().replace(" ", "+").replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def stamp(moment: datetime) -> str:
    """How instants are kept: UTC to the second, so that text order is time order."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown_stamp(kept: Any, zone: ZoneInfo) -> str | None:
    """How instants are answered: in the zone of the account, as 2026-10-01T02:00:00-07:00."""
    if not kept:
        return None
    moment = cast("datetime", read_instant(str(kept)))
    return moment.astimezone(zone).isoformat(timespec="seconds")


def write_json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def scalars(body: Mapping[str, Any]) -> dict[str, str]:
    """Parameters that some clients send in the body of a write beside the object (`include`, `ids`)."""
    return {name: str(value) for name, value in body.items() if isinstance(value, str | int | bool)}
