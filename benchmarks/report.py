"""The latest results, as JSON for programs and as a table in the README for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_RESULTS, _README = _HERE / "results.json", _HERE / "README.md"
_BEGIN, _END = "<!-- results -->\n", "<!-- end of results -->\n"


def load() -> dict[str, Any]:
    """What was measured before, or nothing."""
    return json.loads(_RESULTS.read_text()) if _RESULTS.exists() else {"benchmarks": {}}


def keep(results: dict[str, Any], name: str, told: Mapping[str, Any], machine: Mapping[str, Any]) -> None:
    """Each with the machine that it was measured on."""
    known = {**results["benchmarks"], name: {"day": f"{datetime.now(UTC):%Y-%m-%d}", "machine": dict(machine), **told}}
    results["benchmarks"] = dict(sorted(known.items()))
    _RESULTS.write_text(json.dumps(_rounded(results), indent=1, ensure_ascii=False) + "\n")
    text = _README.read_text()
    before, after = text.partition(_BEGIN)[0], text.partition(_END)[2]
    _README.write_text(before + _BEGIN + "\n".join(_section(load())) + "\n" + _END + after)


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """One line per figure, for a terminal."""
    for each in told["figures"]:
        ratio = f", {each['ratio']:.1f} times the floor" if each["ratio"] else ""
        yield f"{each['what']}: {_number(each['value'])} {each['unit']}{ratio}"


def _section(results: Mapping[str, Any]) -> Iterator[str]:
    machines: list[str] = []
    for told in results["benchmarks"].values():
        if (machine := _machine(told["machine"])) not in machines:
            machines.append(machine)
    yield ""
    yield from (f"- Machine {_letter(number)}: {machine}." for number, machine in enumerate(machines))
    yield ""
    yield "| benchmark | figure | value | floor | times floor | CPU per item | load | on |"
    yield "|---|---|--:|--:|--:|---|--:|---|"
    for name, told in results["benchmarks"].items():
        for each in told["figures"]:
            yield _row(name, told, each, _letter(machines.index(_machine(told["machine"]))))
    yield ""
    yield "What the floors are, and what else was seen:"
    yield ""
    for name, told in results["benchmarks"].items():
        for each in told["figures"]:
            seen = "; ".join(f"{what} {_number(value)}" for what, value in each["detail"].items())
            floor = f" Floor: {each['floor_is']}." if each["floor_is"] else ""
            yield f"- **{name}**, {each['what']} ({told['day']}).{floor} Seen: {seen}."


def _machine(told: Mapping[str, Any]) -> str:
    return f"{told['cores']} cores of {told['processor']}, {told['memory_gb']} GB, {told['system']}, {told['python']}, {told['postgres']}"


def _letter(number: int) -> str:
    return "ABCDEFGHIJ"[number]


def _row(name: str, told: Mapping[str, Any], each: Mapping[str, Any], on: str) -> str:
    floor = f"{_number(each['floor'])} {each['unit']}" if each["floor"] else ""
    ratio = f"{each['ratio']:.1f}" if each["ratio"] else ""
    cpu = ", ".join(f"{party} {_number(ms)} ms" for party, ms in each["cpu"].items())
    load = " → ".join(str(one) for one in told["load"])
    return f"| {name} | {each['what']} | {_number(each['value'])} {each['unit']} | {floor} | {ratio} | {cpu} | {load} | {on} |"


def _number(value: float) -> str:
    """Three digits that mean something, no more."""
    if isinstance(value, int) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return float(f"{value:.4g}")
        case dict():
            return {name: _rounded(each) for name, each in value.items()}
        case list():
            return [_rounded(each) for each in value]
        case _:
            return value
