"""References between the parts of a composite request: `@{refAccount.id}` stands for a part of an earlier answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tieout.connectors.salesforce.emulator.failures import refusal
from tieout.connectors.salesforce.emulator.wire import json_list, json_object

_REFERENCE = re.compile(r"@\{([^}]+)\}")
_STEP = re.compile(r"(\w+)((?:\[\d+\])*)")


def resolved(value: Any, answers: Mapping[str, Any]) -> Any:
    """The value with every reference replaced. A text that is one reference becomes that value with its type.

    Raises Refusal (PROCESSING_HALTED) for a reference to nothing.
    """
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole:
            return _value(whole[1], answers)
        return _REFERENCE.sub(lambda found: str(_value(found[1], answers)), value)
    if (members := json_object(value)) is not None:
        return {str(resolved(name, answers)): resolved(each, answers) for name, each in members.items()}
    if (elements := json_list(value)) is not None:
        return [resolved(each, answers) for each in elements]
    return value


def _value(reference: str, answers: Mapping[str, Any]) -> Any:
    first, *steps = reference.split(".")
    if not steps:
        raise _missing(reference, first)
    value: Any = answers
    for step in (first, *steps):
        found = _STEP.fullmatch(step)
        members = json_object(value) if value is not answers else answers
        if not found or members is None or found[1] not in members:
            raise _missing(reference, first)
        value = members[found[1]]
        for index in re.findall(r"\d+", found[2]):
            elements = json_list(value)
            if elements is None or int(index) >= len(elements):
                raise _missing(reference, first)
            value = elements[int(index)]
    return value


def _missing(reference: str, first: str) -> Exception:
    return refusal("PROCESSING_HALTED", f"Invalid reference specified. No value for {reference} found in {first}")
