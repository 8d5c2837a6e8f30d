"""A published version of a mapping never changes: whoever edits a table makes the next version."""

from __future__ import annotations

import json
from pathlib import Path

from tieout.connectors.catalogue import CATALOGUE
from tieout.domain.identity import content_hash
from tieout.domain.mapping import MappingTable

PUBLISHED = Path(__file__).parent / "published_mappings.json"


def fingerprint(table: MappingTable) -> str:
    """Over target, source and conversion of every field, in order."""
    return content_hash([[each.target, each.source, getattr(each.via, "__name__", "")] for each in table.fields])


def test_every_published_mapping_is_as_it_was() -> None:
    published = json.loads(PUBLISHED.read_text())
    today = {table.label: fingerprint(table) for spec in CATALOGUE.values() for table in spec.mappings}
    changed = {label for label in published.keys() & today.keys() if published[label] != today[label]}
    assert not changed, (
        f"{sorted(changed)} changed: raise the table's version and add the new label to {PUBLISHED.name}"
    )
    assert published.keys() == today.keys(), f"add to {PUBLISHED.name}: {today}"


def test_a_changed_source_would_be_noticed() -> None:
    table = CATALOGUE["salesforce"].mappings[0]
    assert fingerprint(table) != fingerprint(table.with_sources({"practice": "Other__c"}))
