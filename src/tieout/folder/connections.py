"""The settings of connections: TIEOUT_CONNECTION_<NAME>_<SETTING>, and what stands in the folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from tieout.connectors.catalogue import installed
from tieout.connectors.contract import ConnectorSpec
from tieout.domain.firm import Firm
from tieout.folder.environment import Section, Variable
from tieout.folder.finding import UnusableFolder

Kinds = Mapping[str, ConnectorSpec]

_TAKES_BACK = "invoice.withdraw"
CONNECTIONS = Section("connections", "TIEOUT_CONNECTION_", "a kind of system that Tieout speaks to")


def variables(firm: Firm, kinds: Kinds | None = None) -> list[Variable]:
    """Every variable that a connection of the firm understands; connections of unknown kinds have none."""
    return CONNECTIONS.variables(firm.connections, installed() if kinds is None else kinds)


def risks(spec: ConnectorSpec) -> Iterator[tuple[str, str]]:
    """What is wrong with a kind whose lost answers could move money twice, and what to do about it."""
    for operation in spec.writes.values():
        if operation.risks_a_second_claim:
            yield (
                f"{spec.title} moves money with {operation.name} in class {operation.guarantee.value}: "
                "after a lost answer nothing there stops a second time",
                "Use a connector that makes a draft for a person to post, or one with class A, B or C.",
            )


def unfit(firm: Firm, kinds: Kinds) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """What the firm asks for that a connection of it cannot do: with its place, and what to do about it."""
    wanted = next((i for i, each in enumerate(firm.consolidated) if each.one_per != "project"), None)
    for name, each in firm.connections.items():
        spec = kinds.get(each.kind)
        if wanted is not None and each.role == "erp" and spec is not None and _TAKES_BACK not in spec.writes:
            what = f"{name} ({spec.title}) takes no draft back, and an invoice for several projects is drafted anew"
            yield ("consolidated", wanted), what, f"Use a connector with {_TAKES_BACK}, or leave consolidated out."


def resolve(firm: Firm, environment: Mapping[str, str], kinds: Kinds | None = None) -> dict[str, BaseModel]:
    """The configuration of every connection, by its name. Raises UnusableFolder with everything that is missing or wrong."""
    known = installed() if kinds is None else kinds
    configs, findings = CONNECTIONS.resolve(firm.connections, environment, known)
    for name, each in firm.connections.items():
        if each.kind in known:
            findings += [CONNECTIONS.finding(name, "kind", *told) for told in risks(known[each.kind])]
    if findings:
        raise UnusableFolder(findings)
    return configs
