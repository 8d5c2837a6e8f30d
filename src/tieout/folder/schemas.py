"""The JSON Schemas of the firm folder's files, for editors: generated from the models that read them.

`python -m tieout.folder.schemas docs/schema` writes the published ones.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from tieout.channels.catalogue import CHANNELS
from tieout.channels.contract import ChannelSpec
from tieout.connectors.catalogue import CATALOGUE
from tieout.connectors.contract import ConnectorSpec
from tieout.domain.documents.package import RateCard, ServicePackage
from tieout.domain.firm import ConnectionSettings, Firm, ValueTable
from tieout.domain.notification import ChannelSettings
from tieout.domain.working_days import WorkingCalendar
from tieout.folder.connections import Kinds
from tieout.folder.environment import secrets_of
from tieout.folder.loading import MAIN, PARTS

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFS = "#/$defs/"


def schemas(kinds: Kinds = CATALOGUE) -> dict[str, Schema]:
    """File name → schema: of tieout.yaml and of a file in calendars/, packages/, rate_cards/ and tables/."""
    return {
        "tieout.json": _firm(kinds),
        "calendar.json": _published(_schema(WorkingCalendar), "A file in calendars/"),
        "package.json": _published(_schema(ServicePackage), "A file in packages/"),
        "rate_card.json": _published(_schema(RateCard), "A file in rate_cards/"),
        "table.json": _published(_schema(ValueTable), "A file in tables/"),
    }


def write(target: Path, kinds: Kinds = CATALOGUE) -> list[Path]:
    """Writes the schemas into a folder and says which files they are."""
    target.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, schema in schemas(kinds).items():
        (target / name).write_text(text(schema), "utf-8")
        written.append(target / name)
    return written


def text(schema: Schema) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _firm(kinds: Kinds) -> Schema:
    schema = _schema(Firm)
    for part in PARTS:
        del schema["properties"][part]
    defs = schema["$defs"]
    for kind, spec in sorted(kinds.items()):
        defs |= _connection(kind, spec)
    for kind, spec in sorted(CHANNELS.items()):
        defs |= _channel(f"channel.{kind}", spec)
    _of_kinds(schema["properties"]["connections"], sorted(kinds))
    _of_kinds(schema["properties"]["channels"], [f"channel.{kind}" for kind in sorted(CHANNELS)])
    return _published(schema, MAIN)


def _of_kinds(entries: Schema, definitions: Sequence[str]) -> None:
    """Names with entries, each of which is one of these."""
    (names,) = entries.pop("patternProperties")
    entries["propertyNames"] = {"pattern": names}
    entries["additionalProperties"] = {"oneOf": [{"$ref": f"{_DEFS}{each}"} for each in definitions]}


def _connection(kind: str, spec: ConnectorSpec) -> Schema:
    """A connection of one kind, with the connector's own settings; secrets are not among them, nor is anything
    demanded that may come from the environment."""
    schema = _schema(ConnectionSettings)
    schema["properties"]["role"] |= {"enum": list(spec.roles)}
    return _of_kind(schema, kind, spec)


def _channel(name: str, spec: ChannelSpec) -> Schema:
    """A channel of one kind, likewise."""
    return _of_kind(_schema(ChannelSettings), name, spec)


def _of_kind(schema: Schema, name: str, spec: ConnectorSpec | ChannelSpec) -> Schema:
    """The definition `name` of an entry of one kind, and those that its settings need."""
    properties = schema["properties"]
    properties["kind"] |= {"const": spec.kind}
    settings = _schema(spec.config, f"{name}.")
    inner = settings.pop("$defs", {})
    settings["properties"] = {
        field: node for field, node in settings.get("properties", {}).items() if field not in secrets_of(spec.config)
    }
    settings.pop("required", None)
    properties["settings"] = settings | {"description": f"Settings of {spec.title}; secrets come from the environment"}
    return {name: schema | {"description": spec.title}, **inner}


def _schema(model: type[BaseModel], prefix: str = "") -> Schema:
    """pydantic's schema without the titles that only repeat names, and closed to names of another pattern.

    `prefix` keeps two models of one name apart.
    """
    schema = model.model_json_schema(ref_template=f"{_DEFS}{prefix}{{model}}")
    if "$defs" in schema:
        schema["$defs"] = {prefix + name: node for name, node in schema["$defs"].items()}
    return _tidied(schema)


def _tidied(node: Any) -> Any:
    if isinstance(node, list):
        return [_tidied(each) for each in cast("list[Any]", node)]
    if isinstance(node, dict):
        pairs = cast("Mapping[str, Any]", node).items()
        tidy = {name: _tidied(each) for name, each in pairs if not (name == "title" and isinstance(each, str))}
        return {**tidy, "additionalProperties": False} if "patternProperties" in tidy else tidy
    return node


def _published(schema: Schema, title: str) -> Schema:
    """With its dialect and title, and only the definitions that it leads to."""
    used: set[str] = set()
    waiting = list(_references({name: node for name, node in schema.items() if name != "$defs"}))
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += _references(schema["$defs"][name])
    kept = {name: node for name, node in schema.get("$defs", {}).items() if name in used}
    return {"$schema": _DIALECT, "title": title, **schema, "$defs": kept}


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in cast("list[Any]", node):
            yield from _references(each)
    elif isinstance(node, dict):
        for name, each in cast("Mapping[str, Any]", node).items():
            if name == "$ref":
                yield str(each).removeprefix(_DEFS)
            else:
                yield from _references(each)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
