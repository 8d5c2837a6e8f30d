"""The settings of whatever has a kind: from the folder what everybody may read, from the environment what nobody may.

`TIEOUT_CONNECTION_ERP_US_PASSWORD` is the setting `password` of the connection `erp-us`, `TIEOUT_CHANNEL_FINANCE_URL` the
setting `url` of the channel `finance`; with `_FILE` behind it, the variable names a file that holds the value. A setting
from the environment goes before the folder's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Protocol, get_args

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from tieout.domain.choosing import choose, nearest
from tieout.folder.finding import Finding
from tieout.folder.wording import Refusal, refusals

_FILE = "_FILE"
_ENVIRONMENT = "environment"


class Spec(Protocol):
    """What is known of a kind before anything of it is opened."""

    @property
    def kind(self) -> str: ...

    @property
    def config(self) -> type[BaseModel]: ...


class Entry(Protocol):
    """One thing of some kind, as the folder describes it."""

    @property
    def kind(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that a firm's connections or channels may be given; `entry` is whose setting it is."""

    name: str
    entry: str
    setting: str
    description: str
    required: bool
    secret: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A part of tieout.yaml whose entries have a kind: its name there, in the environment, and what a kind of it is."""

    part: str
    prefix: str
    is_a: str

    def variable(self, entry: str, setting: str) -> str:
        """The environment variable of an entry's setting."""
        return f"{self.prefix}{entry}_{setting}".upper().replace("-", "_")

    def variables(self, entries: Mapping[str, Entry], kinds: Mapping[str, Spec]) -> list[Variable]:
        """Every variable that the entries understand; entries of unknown kinds have none."""
        return [
            Variable(
                self.variable(name, setting),
                name,
                setting,
                (field.description or "").rstrip("."),
                required=field.is_required() and setting not in entry.settings,
                secret=setting in secrets_of(kinds[entry.kind].config),
            )
            for name, entry in entries.items()
            if entry.kind in kinds
            for setting, field in kinds[entry.kind].config.model_fields.items()
        ]

    def resolve(
        self, entries: Mapping[str, Entry], environment: Mapping[str, str], kinds: Mapping[str, Spec]
    ) -> tuple[dict[str, BaseModel], list[Finding]]:
        """The configuration of every entry by its name, and everything that is missing or wrong."""
        findings: list[Finding] = []
        configs: dict[str, BaseModel] = {}
        given = _Given(self, entries, environment)
        for name, entry in entries.items():
            spec = kinds.get(entry.kind)
            if spec is None:
                findings.append(self.finding(name, "kind", *self.unknown_kind(entry.kind, kinds)))
                continue
            settings, wrong = given.settings(name, spec)
            findings += wrong
            try:
                configs[name] = spec.config.model_validate({**entry.settings, **settings})
            except ValidationError as refused:
                findings += self._refused(name, spec, settings, refused)
            for word, setting in secrets_in(entry.settings, spec).items():
                findings.append(self.finding(name, word, *self.clear_text(name, setting)))
        return configs, findings

    def unknown_kind(self, kind: str, kinds: Mapping[str, Spec]) -> tuple[str, str]:
        """What is wrong with a kind that nobody has, and which there are."""
        fix = choose(kind, kinds)
        known = f" Known kinds: {', '.join(sorted(kinds))}." if nearest(kind, kinds) else ""
        return f"“{kind}” is not {self.is_a}", fix + known

    def clear_text(self, entry: str, setting: str) -> tuple[str, str]:
        """What is wrong with a secret in a file, and what to do about it."""
        return (
            "is a secret in a file that others read",
            f"Remove it, set {self.variable(entry, setting)} (or …{_FILE}) instead, and change the secret: it has been seen.",
        )

    def _refused(self, name: str, spec: Spec, given: Mapping[str, str], wrong: ValidationError) -> Iterator[Finding]:
        secret = secrets_of(spec.config)
        for each in refusals(wrong, spec.config):
            setting = str(each.path[0]) if each.path else ""
            if not setting:
                named = [word for word in sorted(secret) if word in each.what]
                ways = ", ".join(f"{self.variable(name, word)} (or …{_FILE})" for word in named)
                yield self.finding(name, "settings", each.what, f"Set {ways}." if ways else each.fix)
            elif each.missing and setting in secret:
                way = f"Set {self.variable(name, setting)} (or …{_FILE})."
                yield self.finding(name, setting, "the secret is missing", way)
            elif each.missing:
                way = f"Say it under settings, or set {self.variable(name, setting)}. {each.fix}"
                yield self.finding(name, setting, "is missing", way)
            elif setting in given:
                yield _about(self.variable(name, setting), each.what, each.fix)
            else:
                yield self.finding(name, setting, each.what, each.fix)

    def finding(self, entry: str, setting: str, what: str, fix: str) -> Finding:
        inner = (setting,) if setting in ("kind", "settings") else ("settings", setting)
        return Finding("tieout.yaml", None, (self.part, entry, *inner), what, fix)


def secrets_of(config: type[BaseModel]) -> set[str]:
    """The settings whose values nobody may read."""
    return {name for name, field in config.model_fields.items() if _is_secret(field.annotation)}


def secrets_in(settings: Mapping[str, Any], spec: Spec) -> dict[str, str]:
    """Secrets in clear text: the name that stands in the folder → the setting it means, misspelt or not."""
    secret, fields = secrets_of(spec.config), spec.config.model_fields.keys()
    meant = {name: name if name in fields else nearest(name, fields) for name in settings}
    return {name: setting for name, setting in meant.items() if setting in secret}


def wrong_settings(settings: Mapping[str, Any], spec: Spec) -> list[Refusal]:
    """What the kind refuses in the folder's settings. What is missing may still come from the environment."""
    secret = secrets_in(settings, spec)
    try:
        spec.config.model_validate({name: value for name, value in settings.items() if name not in secret})
    except ValidationError as refused:
        return [each for each in refusals(refused, spec.config) if each.path and not each.missing]
    return []


class _Given:
    """What the environment says about the entries of a section."""

    def __init__(self, section: Section, entries: Mapping[str, Entry], environment: Mapping[str, str]) -> None:
        self._section = section
        # The longest name first: TIEOUT_CONNECTION_ERP_US_URL is erp-us's, even beside a connection erp.
        owners = sorted(entries, key=lambda name: (-len(name), name))
        self._values: dict[str, dict[str, str]] = {name: {} for name in owners}
        for key, value in environment.items():
            owner = next((name for name in owners if key.startswith(section.variable(name, ""))), None)
            if owner is not None and value:
                self._values[owner][key.removeprefix(section.variable(owner, "")).lower()] = value

    def settings(self, entry: str, spec: Spec) -> tuple[dict[str, str], list[Finding]]:
        fields = {name.lower(): name for name in spec.config.model_fields}
        found: dict[str, str] = {}
        findings: list[Finding] = []
        for word, value in self._values[entry].items():
            from_file = word not in fields and word.endswith(_FILE.lower())
            setting = fields.get(word.removesuffix(_FILE.lower()) if from_file else word)
            key = self._section.variable(entry, word)
            if setting is None:
                known = [self._section.variable(entry, each) for each in fields]
                findings.append(_about(key, f"{spec.kind} has no such setting", choose(key, known)))
            elif setting in found:
                findings.append(_about(key, f"{setting} of {entry} is given twice", f"Set it with or without {_FILE}."))
            else:
                try:
                    found[setting] = FilePath(value).read_text().rstrip("\r\n") if from_file else value
                except (OSError, UnicodeDecodeError) as wrong:
                    findings.append(_about(key, f"{value} cannot be read: {wrong}", "Name a readable text file."))
        return found, findings


def _about(key: str, what: str, fix: str) -> Finding:
    return Finding(_ENVIRONMENT, None, (key,), what, fix)


def _is_secret(annotation: Any) -> bool:
    if annotation in (SecretStr, SecretBytes):
        return True
    return any(_is_secret(each) for each in get_args(annotation))
