"""What an org's objects and fields are, read from schema files: a later file extends the objects of an earlier one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_SCHEMAS = Path(__file__).parent / "schemas"
STANDARD = _SCHEMAS / "standard.yaml"
# What an org may have besides: the CPQ package, and change orders as a services firm keeps them.
CPQ = _SCHEMAS / "cpq.yaml"
CHANGE_ORDERS = _SCHEMAS / "change_orders.yaml"

FieldType = Literal[
    "id", "string", "textarea", "picklist", "multipicklist", "reference", "boolean", "int", "double", "currency",
    "percent", "date", "datetime", "email", "phone", "url", "address",
]  # fmt: skip
NUMERIC = frozenset({"int", "double", "currency", "percent"})
TEXTUAL = frozenset({"string", "textarea", "picklist", "multipicklist", "email", "phone", "url"})
_LENGTHS = {
    "string": 255,
    "picklist": 255,
    "multipicklist": 4099,
    "textarea": 32000,
    "email": 80,
    "phone": 40,
    "url": 255,
}


class SObjectField(BaseModel):
    """One field. `length` counts characters; `precision` and `scale` count digits as in a ledger (18, 2)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: FieldType
    label: str = ""
    length: int = 0
    precision: int = 18
    scale: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    calculated: bool = False
    external_id: bool = False
    unique: bool = False
    case_sensitive: bool = False
    id_lookup: bool = False
    name_field: bool = False
    autonumber: str = Field(default="", description="Format whose zeros in braces are the number, INV-{0000}")
    values: tuple[str, ...] = Field(default=(), description="Picklist values; the first is no default")
    restricted: bool = False
    default: Any = None
    to: tuple[str, ...] = Field(default=(), description="Objects that a reference may point to")
    relationship: str = Field(default="", description="Name of the parent in a path, as Account in Account.Name")
    children: str = Field(default="", description="Name of the list on the parent, as Contacts")
    on_delete: Literal["clear", "cascade", "restrict"] = "clear"
    compound: str = Field(default="", description="The address field this is a part of")

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @property
    def nillable(self) -> bool:
        return not self.required and self.type not in ("boolean", "id")

    @property
    def unique_key(self) -> bool:
        return self.unique or self.type == "id"

    @property
    def identifies(self) -> bool:
        """May stand in an address in place of the id."""
        return self.external_id or self.id_lookup or self.type == "id"

    @property
    def stored(self) -> bool:
        return self.type != "address"


class SObject(BaseModel):
    """One object with its fields in the order of their declaration. Names are found regardless of case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    label: str
    label_plural: str
    key_prefix: str
    fields: Mapping[str, SObjectField]
    mergeable: bool = False
    createable: bool = True
    updateable: bool = True
    deletable: bool = True

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @cached_property
    def _folded(self) -> Mapping[str, SObjectField]:
        return {name.lower(): field for name, field in self.fields.items()}

    @cached_property
    def _parents(self) -> Mapping[str, SObjectField]:
        return {each.relationship.lower(): each for each in self.fields.values() if each.relationship}

    @cached_property
    def references(self) -> tuple[SObjectField, ...]:
        return tuple(each for each in self.fields.values() if each.type == "reference")

    @cached_property
    def name_field(self) -> SObjectField | None:
        return next((each for each in self.fields.values() if each.name_field), None)

    def field(self, name: str) -> SObjectField | None:
        return self._folded.get(name.lower())

    def parent(self, relationship: str) -> SObjectField | None:
        """The reference behind a parent path's step, `Account` or `Bill_To_Account__r`."""
        return self._parents.get(relationship.lower())


class Stage(BaseModel):
    """A row of the org's stage table: what a stage says about an opportunity. Probability is in percent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    probability: int
    closed: bool = False
    won: bool = False
    forecast: Literal["Omitted", "Pipeline", "Best Case", "Commit", "Closed"] = "Pipeline"


class Child(BaseModel):
    """A list of children as their parent sees it: `relationship` is its name there, `field` points to the parent."""

    model_config = ConfigDict(frozen=True)

    entity: SObject
    field: SObjectField

    @property
    def relationship(self) -> str:
        return self.field.children


class Schema:
    """Every object of the org. `currencies` maps ISO codes to units per unit of the first; one entry: no multi-currency.

    `carried_line_fields` are what the org's own trigger carries between a quote's line and the deal's: the vendor
    carries standard fields alone.
    """

    def __init__(
        self,
        objects: Mapping[str, SObject],
        stages: Sequence[Stage],
        currencies: Mapping[str, str],
        carried_line_fields: Sequence[str] = (),
    ) -> None:
        self.objects = objects
        self.stages = {each.name: each for each in stages}
        self.currencies = currencies
        self.carried_line_fields = carried_line_fields
        self._folded = {name.lower(): each for name, each in objects.items()}
        self._prefixes = {each.key_prefix: each for each in objects.values()}
        self._children = {name: tuple(self._pointing_to(name)) for name in objects}

    def __iter__(self) -> Iterator[SObject]:
        return iter(self.objects.values())

    def __getitem__(self, name: str) -> SObject:
        return self.objects[name]

    @property
    def multi_currency(self) -> bool:
        return len(self.currencies) > 1

    @property
    def corporate_currency(self) -> str:
        return next(iter(self.currencies))

    def find(self, name: str) -> SObject | None:
        return self._folded.get(name.lower())

    def by_id(self, record_id: str) -> SObject | None:
        """The object that an id belongs to, by its key prefix."""
        return self._prefixes.get(record_id[:3])

    def children(self, entity: SObject) -> Sequence[Child]:
        return self._children[entity.name]

    def child(self, entity: SObject, relationship: str) -> Child | None:
        wanted = relationship.lower()
        return next((each for each in self.children(entity) if each.relationship.lower() == wanted), None)

    def _pointing_to(self, parent: str) -> Iterator[Child]:
        for entity in self.objects.values():
            for field in entity.references:
                if parent in field.to:
                    yield Child.model_construct(entity=entity, field=field)


class _Object(BaseModel):
    """One object as a schema file writes it."""

    model_config = ConfigDict(extra="forbid")

    label: str = ""
    label_plural: str = ""
    key_prefix: str = ""
    mergeable: bool = False
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    currency: bool = Field(default=False, description="Carries CurrencyIsoCode in a multi-currency org")
    fields: dict[str, dict[str, Any]] = Field(default_factory=dict[str, dict[str, Any]])


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    stages: list[Stage] = Field(default_factory=list[Stage])
    currencies: dict[str, str] = Field(default_factory=dict[str, str])
    carried_line_fields: list[str] = Field(default_factory=list[str])
    objects: dict[str, _Object] = Field(default_factory=dict[str, _Object])


def load(files: Sequence[Path]) -> Schema:
    """The schema of the files together. Raises ValueError that names the file for anything it does not understand."""
    objects: dict[str, _Object] = {}
    stages: list[Stage] = []
    currencies: dict[str, str] = {}
    carried: list[str] = []
    for path in files:
        part = _read(path)
        stages = part.stages or stages
        currencies = part.currencies or currencies
        carried = part.carried_line_fields or carried
        for name, addition in part.objects.items():
            objects[name] = _extended(objects[name], addition) if name in objects else addition
    currencies = currencies or {"USD": "1"}
    prefixes = (f"a{number:02d}" for number in range(100))
    return Schema(
        {name: _sobject(name, each, tuple(currencies), prefixes) for name, each in objects.items()},
        stages,
        currencies,
        carried,
    )


def _read(path: Path) -> _File:
    try:
        return _File.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))
    except (ValidationError, yaml.YAMLError) as wrong:
        raise ValueError(f"{path}: {wrong}") from wrong


def _extended(known: _Object, addition: _Object) -> _Object:
    said = addition.model_dump(exclude_unset=True, exclude={"fields"})
    return known.model_copy(update={**said, "fields": {**known.fields, **addition.fields}})


def _sobject(name: str, spec: _Object, currencies: Sequence[str], prefixes: Iterator[str]) -> SObject:
    declared = {**_system_fields(name, spec, currencies), **spec.fields}
    label = spec.label or _words(name)
    return SObject(
        name=name,
        label=label,
        label_plural=spec.label_plural or label + "s",
        key_prefix=spec.key_prefix or next(prefixes),
        fields={each: _field(name, each, facts) for each, facts in declared.items()},
        mergeable=spec.mergeable,
        createable=spec.createable,
        updateable=spec.updateable,
        deletable=spec.deletable,
    )


def _field(entity: str, name: str, facts: Mapping[str, Any]) -> SObjectField:
    kind = str(facts.get("type", ""))
    derived: dict[str, Any] = {"name": name, "label": _words(name), "length": _LENGTHS.get(kind, 0)}
    if kind in ("currency", "percent"):
        derived["scale"] = 2
    if kind == "reference":
        derived |= {"length": 18, "relationship": _relationship(name)}
    if kind == "boolean":
        derived["default"] = False
    if facts.get("calculated") or facts.get("autonumber") or kind == "address":
        derived |= {"createable": False, "updateable": False}
    try:
        return SObjectField.model_validate({**derived, **facts})
    except ValidationError as wrong:
        raise ValueError(f"{entity}.{name}: {wrong}") from wrong


def _relationship(name: str) -> str:
    return name[:-1] + "r" if name.endswith("__c") else name.removesuffix("Id")


def _words(name: str) -> str:
    bare = name.removesuffix("__c").replace("_", " ")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", bare)


def _system_fields(name: str, spec: _Object, currencies: Sequence[str]) -> dict[str, dict[str, Any]]:
    stamp = {"type": "datetime", "createable": False, "updateable": False}
    who = {"type": "reference", "to": ["User"], "createable": False, "updateable": False}
    flag = {"type": "boolean", "createable": False, "updateable": False}
    fields: dict[str, dict[str, Any]] = {
        "Id": {"type": "id", "length": 18, "createable": False, "updateable": False, "id_lookup": True},
        "IsDeleted": flag,
        "CreatedDate": stamp,
        "CreatedById": {**who, "relationship": "CreatedBy"},
        "LastModifiedDate": stamp,
        "LastModifiedById": {**who, "relationship": "LastModifiedBy"},
        "SystemModstamp": stamp,
    }
    if spec.mergeable:
        fields["MasterRecordId"] = {"type": "reference", "to": [name], "relationship": "MasterRecord",
                                    "createable": False, "updateable": False}  # fmt: skip
    if len(currencies) > 1 and (spec.currency or name.endswith("__c")):
        fields["CurrencyIsoCode"] = {"type": "picklist", "length": 3, "values": list(currencies), "restricted": True,
                                     "label": "Currency ISO Code"}  # fmt: skip
    return fields
