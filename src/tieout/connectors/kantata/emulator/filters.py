"""The filters that most lists share, each as odd as the vendor made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tieout.connectors.kantata.emulator.calls import Call
from tieout.connectors.kantata.emulator.schema import Filter, Row
from tieout.connectors.kantata.emulator.wire import read_instant, stamp, truth

_REFERENCE = "external_reference_"
_MOST_REFS = 200


def equal(field: str) -> Filter:
    return lambda call, row, value: str(row.get(field)) == value.strip()


def among(field: str) -> Filter:
    """One of several, separated by commas."""
    return lambda call, row, value: str(row.get(field)) in {each.strip() for each in value.split(",")}


def holds(field: str) -> Filter:
    """The row's list of ids has the value."""
    return lambda call, row, value: value.strip() in (row.get(field) or ())


def flagged(field: str) -> Filter:
    return lambda call, row, value: bool(row.get(field)) == truth(value)


def unless_asked(shows: Callable[[Call, Row], bool]) -> Filter:
    """Rows that are left out as long as the parameter is not true."""
    return lambda call, row, value: truth(value) or shows(call, row)


def after(field: str) -> Filter:
    """Strictly later. The vendor does not say whether the bound belongs to it, so a client must not rely on it."""
    return lambda call, row, value: bool(moment := read_instant(value)) and str(row.get(field)) > stamp(moment)


def before(field: str) -> Filter:
    return lambda call, row, value: bool(moment := read_instant(value)) and str(row.get(field)) < stamp(moment)


TIMES: Mapping[str, Filter] = {
    "created_after": after("created_at"),
    "created_before": before("created_at"),
    "updated_after": after("updated_at"),
    "updated_before": before("updated_at"),
}


def _references(call: Call, row: Row) -> list[Row]:
    return call.records.where("external_references", "subject_id", row["id"])


def _referenced(call: Call, row: Row, value: str) -> bool:
    """All `external_reference_*` parameters are about one and the same reference of the row."""
    asked = {name.removeprefix(_REFERENCE): given for name, given in call.params.items() if name.startswith(_REFERENCE)}
    return any(all(_says(each, name, given) for name, given in asked.items()) for each in _references(call, row))


def _says(reference: Row, name: str, given: str) -> bool:
    if name == "service_model_refs":
        return reference["service_model_ref"] in [each.strip() for each in given.split(",")][:_MOST_REFS]
    if name == "service_model_ref":
        # Declared as an integer by the vendor: whatever is no number finds nothing.
        return given.strip().isdigit() and reference["service_model_ref"] == given.strip()
    return str(reference.get(name)) == given


def _has_references(call: Call, row: Row, value: str) -> bool:
    return bool(_references(call, row)) == truth(value)


def _unknown_to(call: Call, row: Row, value: str) -> bool:
    return all(each["service_name"] != value for each in _references(call, row))


REFERENCE_FILTERS: Mapping[str, Filter] = {
    **{
        f"{_REFERENCE}{name}": _referenced
        for name in (
            "service_name",
            "service_model",
            "service_model_ref",
            "service_model_refs",
            "status",
            "external_status",
            "external_message",
        )
    },
    "has_external_references": _has_references,
    "without_external_reference_service_name": _unknown_to,
}
USUAL: Mapping[str, Filter] = {**TIMES, **REFERENCE_FILTERS}
