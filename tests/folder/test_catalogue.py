"""The catalogue knows the house's own connectors, and takes others from installed packages."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from tieout.connectors.catalogue import CATALOGUE, installed
from tieout.connectors.contract import ConnectorSpec


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, kinds: Mapping[str, ConnectorSpec]) -> str:
    module = ModuleType("someones_connector")
    module.__dict__.update(SPEC=kinds["demo"], OTHER="nothing")
    monkeypatch.setitem(sys.modules, "someones_connector", module)
    return "someones_connector"


def point(value: str) -> EntryPoint:
    return EntryPoint("demo", value, "tieout.connectors")


def test_each_kind_stands_under_its_own_name() -> None:
    assert {kind: spec.kind for kind, spec in CATALOGUE.items()} == {kind: kind for kind in CATALOGUE}
    assert installed().keys() >= CATALOGUE.keys()


def test_a_package_brings_its_connector_as_an_entry_point(package: str) -> None:
    assert installed([point(f"{package}:SPEC")]).keys() == {*CATALOGUE, "demo"}


def test_an_entry_point_that_is_no_connector_is_refused(package: str) -> None:
    with pytest.raises(TypeError, match="someones_connector:OTHER is not a ConnectorSpec"):
        installed([point(f"{package}:OTHER")])


def test_a_kind_is_not_taken_over_in_silence(package: str) -> None:
    with pytest.raises(ValueError, match="the kind 'demo' is taken already"):
        installed([point(f"{package}:SPEC"), point(f"{package}:SPEC")])
