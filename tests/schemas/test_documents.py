"""What is stored stays readable: the published schemas are those of today, and samples of every version still load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from jsonschema import Draft202012Validator
from pydantic import create_model
from tests.schemas.snapshot import PUBLISHED, schema_of, stale, text

from tieout.domain.documents.document import Document
from tieout.domain.documents.upcast import KINDS, load

SAMPLES = Path(__file__).parent / "samples"
STORED = sorted(SAMPLES.glob("*.json"))


def stored(file: Path) -> tuple[str, int, Any]:
    """Kind, schema version and body of a sample `time_entry.v1.json`."""
    kind, version, _ = file.name.split(".")
    return kind, int(version.removeprefix("v")), json.loads(file.read_text("utf-8"))


def published(kind: str, version: int) -> Any:
    current = KINDS[kind].schema_version == version
    return json.loads((PUBLISHED / f"{kind}{'' if current else f'.v{version}'}.json").read_text("utf-8"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_schema_of_a_document_is_that_of_today(kind: str) -> None:
    assert stale(KINDS[kind]) == ""


def test_nothing_is_published_that_is_no_document() -> None:
    assert {each.name.partition(".")[0] for each in PUBLISHED.iterdir()} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_version_of_a_document_has_a_sample(kind: str) -> None:
    there = {version for each, version, _ in map(stored, STORED) if each == kind}
    assert there == set(range(1, KINDS[kind].schema_version + 1))


@pytest.mark.parametrize("file", STORED, ids=lambda file: file.name)
def test_a_stored_document_still_loads(file: Path) -> None:
    kind, version, body = stored(file)
    document = load(kind, version, body)
    assert document.key == body["key"]
    if version == document.schema_version:
        assert document.body() == body, "and is stored again as it was"


@pytest.mark.parametrize("file", STORED, ids=lambda file: file.name)
def test_a_sample_says_something_in_every_field_of_its_schema(file: Path) -> None:
    kind, version, body = stored(file)
    schema = published(kind, version)
    assert [each.message for each in Draft202012Validator(schema).iter_errors(body)] == []
    assert [name for name in schema["properties"] if body.get(name) in (None, "", [], {})] == []


class Parcel(Document):
    """A document that a change without a word must not pass by."""

    kind: ClassVar[str] = "parcel"

    grams: int


def test_a_change_that_nobody_recorded_is_told_with_what_to_do(tmp_path: Path) -> None:
    assert "another version" in stale(Parcel, tmp_path)
    (tmp_path / "parcel.json").write_text(text(schema_of(Parcel)), "utf-8")
    assert stale(Parcel, tmp_path) == ""
    wider = create_model("Parcel", __base__=Parcel, colour=(str, ""))
    assert "still version 1" in stale(wider, tmp_path)
    wider.schema_version = 2
    assert "another version" in stale(wider, tmp_path)
    (tmp_path / "parcel.json").write_text(text(schema_of(wider)), "utf-8")
    assert stale(wider, tmp_path) == "keep the schemas of versions [1] as parcel.v….json"
