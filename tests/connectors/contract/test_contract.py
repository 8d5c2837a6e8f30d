"""Every connector keeps every promise of the contract, or its spec says why one does not fit."""

from __future__ import annotations

import pytest
from tests.connectors.contract import kantata_bench, notebook, salesforce_bench

from tieout.connectors.catalogue import CATALOGUE
from tieout.connectors.contract import ConnectorSpec
from tieout.store.database import Database
from tieout.testing.contract import Case, ConnectorBench, Trial, cases, strange_waivers

pytestmark = pytest.mark.anyio

EMULATED = {"salesforce": salesforce_bench.bench, "kantata": kantata_bench.bench, "notebook": notebook.bench}
REAL = ("tryton",)
SPECS = (*CATALOGUE.values(), notebook.SPEC)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of records is several pages, so that people work at the source between two of them."""
    monkeypatch.setattr("tieout.connectors.kantata.reading._PAGE", 4)
    monkeypatch.setattr("tieout.connectors.kantata.reading._SUBMISSIONS", 2)
    monkeypatch.setattr("tieout.connectors.kantata.reading._FULL", 3)
    monkeypatch.setattr("tieout.connectors.tryton.ledger._PAGE", 20)


async def prove(case: Case, bench: ConnectorBench, database: Database) -> None:
    if case.waiver:
        pytest.skip(case.waiver)
    await case.prove(Trial(bench, case.subject, database))


@pytest.mark.parametrize("case", cases(each for each in SPECS if each.kind not in REAL), ids=str)
async def test_the_connector_keeps_the_promise_to_an_emulator(case: Case, books_of_effects: Database) -> None:
    bench = EMULATED[case.connector]()
    try:
        await prove(case, bench, books_of_effects)
    finally:
        await bench.close()


@pytest.mark.tryton
@pytest.mark.loopback
@pytest.mark.parametrize("case", cases(each for each in SPECS if each.kind in REAL), ids=str)
async def test_the_connector_keeps_the_promise_to_the_real_erp(
    case: Case, ledger: ConnectorBench, books_of_effects: Database
) -> None:
    await prove(case, ledger, books_of_effects)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_the_waivers_of_a_connector_name_checks_and_give_reasons(spec: ConnectorSpec) -> None:
    assert strange_waivers(spec) == []


@pytest.mark.parametrize("kind", EMULATED)
def test_the_bench_of_a_connector_has_a_sample_of_each_write_and_a_hand_for_each_read(kind: str) -> None:
    """Without one the checks would fail one by one; this says it in one sentence."""
    bench = EMULATED[kind]()
    assert bench.spec.writes.keys() == bench.samples.keys()
    assert set(bench.spec.reads) == bench.feeds.keys()


def test_every_connector_of_the_catalogue_has_a_bench() -> None:
    assert CATALOGUE.keys() <= {*EMULATED, *REAL}
