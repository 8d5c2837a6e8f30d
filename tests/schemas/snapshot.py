"""Writes the JSON Schemas of the canonical documents as they are now: `python -m tests.schemas.snapshot`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tieout.domain.documents.document import Document
from tieout.domain.documents.upcast import KINDS

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema" / "documents"
_VERSION = "x-schema-version"


def schema_of(document: type[Document]) -> dict[str, Any]:
    """What a stored document of this kind looks like."""
    schema = document.model_json_schema(mode="serialization")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", _VERSION: document.schema_version}
    return {**head, **schema, "additionalProperties": False}


def text(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def version_of(schema: str) -> int:
    return json.loads(schema)[_VERSION]


def stale(document: type[Document], folder: Path = PUBLISHED) -> str:
    """Empty when the snapshot says what the class says; else what whoever changed the class has to do."""
    kind, version = document.kind, document.schema_version
    file = folder / f"{kind}.json"
    today = text(schema_of(document))
    stored = file.read_text("utf-8") if file.exists() else ""
    if stored == today:
        lacking = [each for each in range(1, version) if not (folder / f"{kind}.v{each}.json").exists()]
        return f"keep the schemas of versions {lacking} as {kind}.v….json" if lacking else ""
    if stored and version_of(stored) == version:
        return (
            f"the {kind} has changed and is still version {version}. If a stored one of before would still load (a new field "
            f"with a default), run: python -m tests.schemas.snapshot. If not: count schema_version of {document.__name__} up, "
            f"add the lift ({kind!r}, {version}) to domain/documents/upcast.py, rename {kind}.json to {kind}.v{version}.json, "
            f"add a sample {kind}.v{version + 1}.json, and run it then"
        )
    return f"the snapshot of {kind} is of another version; run: python -m tests.schemas.snapshot"


def main() -> None:
    PUBLISHED.mkdir(parents=True, exist_ok=True)
    for kind, document in KINDS.items():
        (PUBLISHED / f"{kind}.json").write_text(text(schema_of(document)), "utf-8")


if __name__ == "__main__":
    main()
