"""`docs/adding-a-connector.md` is true: its names, its checks, its links and its examples are those of the code."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from tests.connectors.contract import notebook

from tieout.connectors import contract
from tieout.connectors.catalogue import CATALOGUE, installed
from tieout.domain import problems
from tieout.testing.contract import CHECKS, ConnectorBench, Sample

PAGE = Path(__file__).parents[3] / "docs" / "adding-a-connector.md"
TEXT = PAGE.read_text("utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| `")]
SOURCE = PAGE.parents[1] / "src" / "tieout"


def names(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_the_page_lists_every_check() -> None:
    listed = [
        names(row[0])[0] for row in ROWS if len(row) == 2 and row[1].startswith(("the connection", "a write", "a read"))
    ]
    assert sorted(listed) == sorted(CHECKS)


def test_every_method_of_the_contract_is_promised() -> None:
    promised = {each for row in ROWS for each in names(row[0])}
    for protocol in (contract.Connector, contract.Source, contract.Sink):
        methods = {each for each in vars(protocol) if not each.startswith("_")} - {"name"}
        assert methods <= promised, protocol


@pytest.mark.parametrize(
    "error", ["OutcomeUnknown", "Transient", "Rejected", "AlreadyThere", "Conflict", "Misconfigured"]
)
def test_the_errors_of_a_send_are_explained(error: str) -> None:
    assert hasattr(contract, error) or hasattr(problems, error)
    assert any(names(row[0]) == [error] for row in ROWS)


def test_the_classes_are_those_of_the_contract() -> None:
    told = dict(re.findall(r"^\| ([A-E]) `([A-Z_]+)`", TEXT, re.MULTILINE))
    assert told == {each.value: each.name for each in contract.Guarantee}


@pytest.mark.parametrize("spec", CATALOGUE.values(), ids=lambda spec: spec.kind)
def test_a_role_offers_what_the_page_asks_of_it(spec: contract.ConnectorSpec) -> None:
    asked = {names(row[0])[0]: (names(row[1]), names(row[2])) for row in ROWS if len(row) == 3}
    for role in spec.roles:
        reads, writes = asked[role]
        assert set(reads) <= set(spec.reads)
        assert set(writes) <= spec.writes.keys()


def test_what_the_systems_room_writes_is_asked_of_a_role() -> None:
    asked = {each for row in ROWS if len(row) == 3 for each in names(row[2])}
    written = {
        each
        for file in (SOURCE / "systems").glob("*.py")
        for each in re.findall(r'"([a-z]+\.[a-z]+)"', file.read_text("utf-8"))
    }
    assert written - problems.CATALOGUE.keys() <= asked


def test_the_fields_of_bench_and_sample_are_explained() -> None:
    fields = {name for name, each in ConnectorBench.__dataclass_fields__.items() if each.init}
    told = {each for row in ROWS if len(row) == 2 for each in names(row[0])}
    assert fields <= told
    after = TEXT[TEXT.index("A `Sample` has") :]
    assert set(Sample.__dataclass_fields__) <= set(names(after))


def test_the_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (PAGE.parent / link).exists(), link


def test_the_example_of_a_test_is_python_and_imports_what_there_is() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    imports = [each for each in example.splitlines() if "import" in each and "acme" not in each]
    exec(compile("\n".join(imports), "the page", "exec"), {})
    compile(example, "the page", "exec")


def test_the_example_of_a_waiver_names_a_check() -> None:
    (waiver,) = re.findall(r'\{"([a-z_]+):invoice"', TEXT)
    assert waiver in CHECKS


def test_a_package_of_ones_own_is_a_kind_like_any_other() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    ((group, points),) = tomllib.loads(example)["project"]["entry-points"].items()
    assert list(points) == ["acme"]
    point = EntryPoint("notebook", "tests.connectors.contract.notebook:SPEC", group)
    assert installed([point])["notebook"] is notebook.SPEC
