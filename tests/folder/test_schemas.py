"""Editors complete and check the folder's files with schemas that say what the loader says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tieout.connectors.catalogue import CATALOGUE
from tieout.connectors.contract import ConnectorSpec
from tieout.folder.schemas import schemas, text, write

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema"


class _Reader(yaml.SafeLoader):
    """YAML as an editor reads it: a day is a text."""


_Reader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def mistakes(schema: Mapping[str, Any], content: str) -> list[str]:
    found = Draft202012Validator(schema).iter_errors(yaml.load(content, Loader=_Reader))
    return [each.message for each in found]


@pytest.fixture
def firm_schema(kinds: Mapping[str, ConnectorSpec]) -> Mapping[str, Any]:
    return schemas(kinds)["tieout.json"]


def test_the_published_schemas_are_those_of_today() -> None:
    stored = {each.name: each.read_text("utf-8") for each in PUBLISHED.glob("*.json")}
    assert stored == {name: text(schema) for name, schema in schemas().items()}, (
        "run: python -m tieout.folder.schemas docs/schema"
    )


def test_schemas_are_written_where_they_are_wanted(tmp_path: Path, kinds: Mapping[str, ConnectorSpec]) -> None:
    written = write(tmp_path / "schema", kinds)
    assert [each.name for each in written] == [
        f"{each}.json" for each in ("tieout", "calendar", "package", "rate_card", "table")
    ]
    assert written[0].read_text("utf-8") == text(schemas(kinds)["tieout.json"])


@pytest.mark.parametrize("name", schemas())
def test_a_schema_is_one_and_describes_every_name(name: str) -> None:
    schema = schemas()[name]
    Draft202012Validator.check_schema(schema)
    assert [path for path, node in properties(schema) if not node.get("description")] == []


def properties(node: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(node, dict):
        for name, each in node.get("properties", {}).items():
            yield f"{path}/{name}", each
        for name, each in node.items():
            yield from properties(each, f"{path}/{name}")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("tieout.json", "tieout.yaml"),
        ("package.json", "packages/discovery.yaml"),
        ("rate_card.json", "rate_cards/us.yaml"),
    ],
)
def test_a_right_file_is_right_for_an_editor(
    folder: Path, kinds: Mapping[str, ConnectorSpec], name: str, file: str
) -> None:
    content = (folder / file).read_text().replace("version: 60.0", "version: '60.0'")
    assert mistakes(schemas(kinds)[name], content) == []


@pytest.mark.parametrize(
    "spoilt",
    [
        "{ kind: nothing, role: crm }",
        "{ kind: ledger, role: crm }",
        "{ kind: demo, role: crm, settings: { password: hush } }",
        "{ kind: demo, role: crm, settings: { regoin: eu } }",
        "{ kind: demo, role: crm, settings: { login: { usr: x } } }",
        "{ kind: demo }",
    ],
)
def test_a_wrong_connection_is_wrong_for_an_editor(firm_schema: Mapping[str, Any], spoilt: str) -> None:
    content = f"name: K\nentities: [{{ code: US, name: K, currency: USD }}]\nconnections: {{ x: {spoilt} }}\n"
    assert len(mistakes(firm_schema, content)) == 1


def test_what_the_environment_may_give_is_not_demanded(firm_schema: Mapping[str, Any]) -> None:
    content = (
        "name: K\nentities: [{ code: US, name: K, currency: USD }]\nconnections: { x: { kind: demo, role: crm } }\n"
    )
    assert mistakes(firm_schema, content) == []


@pytest.mark.parametrize(
    "line",
    [
        "connections: { Bad_Name: { kind: demo, role: crm } }",
        "connections: {}\napprovals: { amount_above: { usd: 1 } }",
    ],
)
def test_a_name_of_another_pattern_is_wrong_for_an_editor(firm_schema: Mapping[str, Any], line: str) -> None:
    assert len(mistakes(firm_schema, f"name: K\nentities: [{{ code: US, name: K, currency: USD }}]\n{line}\n")) == 1


def test_every_kind_of_the_catalogue_can_be_chosen() -> None:
    choices = schemas()["tieout.json"]["properties"]["connections"]["additionalProperties"]["oneOf"]
    assert [each["$ref"].split("/")[-1] for each in choices] == sorted(CATALOGUE)
