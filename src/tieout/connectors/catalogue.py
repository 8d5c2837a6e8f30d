"""Every kind of system that Tieout speaks to: the one place in the product where vendors are known by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

from tieout.connectors.contract import ConnectorSpec
from tieout.connectors.kantata.connector import SPEC as KANTATA
from tieout.connectors.salesforce.connector import SPEC as SALESFORCE
from tieout.connectors.tryton.connector import SPEC as TRYTON

_GROUP = "tieout.connectors"

CATALOGUE: Mapping[str, ConnectorSpec] = {each.kind: each for each in (SALESFORCE, KANTATA, TRYTON)}


def installed(points: Iterable[EntryPoint] | None = None) -> Mapping[str, ConnectorSpec]:
    """The catalogue and what other packages offer as entry points of the group `tieout.connectors`.

    Raises TypeError when an entry point is no ConnectorSpec, ValueError when its kind is taken.
    """
    found = dict(CATALOGUE)
    for point in entry_points(group=_GROUP) if points is None else points:
        spec = point.load()
        if not isinstance(spec, ConnectorSpec):
            raise TypeError(f"entry point {point.name} = {point.value} is not a ConnectorSpec")
        if spec.kind in found:
            raise ValueError(f"entry point {point.name} = {point.value}: the kind {spec.kind!r} is taken already")
        found[spec.kind] = spec
    return found
