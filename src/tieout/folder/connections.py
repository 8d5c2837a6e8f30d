"""The settings of connections: from the folder what everybody may read, from the environment what nobody may.

`TIEOUT_CONNECTION_ERP_US_PASSWORD` is the setting `password` of the connection `erp-us`; with `_FILE` behind it, the
variable names a file that holds the value. A setting from the environment goes before the folder's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from tieout.connectors.catalogue import installed
from tieout.connectors.contract import ConnectorSpec
from tieout.domain.consistency import choose, nearest
from tieout.domain.firm import Firm
from tieout.folder.finding import Finding, UnusableFolder
from tieout.folder.wording import Refusal, refusals

Kinds = Mapping[str, ConnectorSpec]

_PREFIX = "TIEOUT_CONNECTION_"
_FILE = "_FILE"
_ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that a firm's connections may be given."""

    name: str
    connection: str
    setting: str
    description: str
    required: bool
    secret: bool


def variable(connection: str, setting: str) -> str:
    """The environment variable of a connection's setting."""
    return f"{_PREFIX}{connection}_{setting}".upper().replace("-", "_")


def variables(firm: Firm, kinds: Kinds | None = None) -> list[Variable]:
    """Every variable that a connection of the firm understands; connections of unknown kinds have none."""
    known = installed() if kinds is None else kinds
    return [
        Variable(
            variable(name, setting),
            name,
            setting,
            (field.description or "").rstrip("."),
            required=field.is_required() and setting not in connection.settings,
            secret=setting in secrets_of(known[connection.kind].config),
        )
        for name, connection in firm.connections.items()
        if connection.kind in known
        for setting, field in known[connection.kind].config.model_fields.items()
    ]


def resolve(firm: Firm, environment: Mapping[str, str], kinds: Kinds | None = None) -> dict[str, BaseModel]:
    """The configuration of every connection, by its name. Raises UnusableFolder with everything that is missing or wrong."""
    known = installed() if kinds is None else kinds
    findings: list[Finding] = []
    configs: dict[str, BaseModel] = {}
    given = _Given(firm, environment)
    for name, connection in firm.connections.items():
        spec = known.get(connection.kind)
        if spec is None:
            findings.append(_finding(name, "kind", *unknown_kind(connection.kind, known)))
            continue
        settings, wrong = given.settings(name, spec)
        findings += wrong
        try:
            configs[name] = spec.config.model_validate({**connection.settings, **settings})
        except ValidationError as refused:
            findings += _refused(name, spec, settings, refused)
        for word, setting in secrets_in(connection.settings, spec).items():
            findings.append(_finding(name, word, *clear_text(name, setting)))
    if findings:
        raise UnusableFolder(findings)
    return configs


def secrets_of(config: type[BaseModel]) -> set[str]:
    """The settings whose values nobody may read."""
    return {name for name, field in config.model_fields.items() if _is_secret(field.annotation)}


def secrets_in(settings: Mapping[str, Any], spec: ConnectorSpec) -> dict[str, str]:
    """Secrets in clear text: the name that stands in the folder → the setting it means, misspelt or not."""
    secret, fields = secrets_of(spec.config), spec.config.model_fields.keys()
    meant = {name: name if name in fields else nearest(name, fields) for name in settings}
    return {name: setting for name, setting in meant.items() if setting in secret}


def unknown_kind(kind: str, kinds: Kinds) -> tuple[str, str]:
    """What is wrong with a kind that no connector has, and which there are."""
    fix = choose(kind, kinds)
    known = f" Known kinds: {', '.join(sorted(kinds))}." if nearest(kind, kinds) else ""
    return f"“{kind}” is not a kind of system that Tieout speaks to", fix + known


def clear_text(connection: str, setting: str) -> tuple[str, str]:
    """What is wrong with a secret in a file, and what to do about it."""
    return (
        "is a secret in a file that others read",
        f"Remove it, set {variable(connection, setting)} (or …{_FILE}) instead, and change the secret: it has been seen.",
    )


def wrong_settings(settings: Mapping[str, Any], spec: ConnectorSpec) -> list[Refusal]:
    """What the kind refuses in the folder's settings. What is missing may still come from the environment."""
    secret = secrets_in(settings, spec)
    try:
        spec.config.model_validate({name: value for name, value in settings.items() if name not in secret})
    except ValidationError as refused:
        return [each for each in refusals(refused, spec.config) if each.path and not each.missing]
    return []


class _Given:
    """What the environment says about the firm's connections."""

    def __init__(self, firm: Firm, environment: Mapping[str, str]) -> None:
        # The longest name first: TIEOUT_CONNECTION_ERP_US_URL is erp-us's, even beside a connection erp.
        owners = sorted(firm.connections, key=lambda name: (-len(name), name))
        self._values: dict[str, dict[str, str]] = {name: {} for name in owners}
        for key, value in environment.items():
            owner = next((name for name in owners if key.startswith(variable(name, ""))), None)
            if owner is not None and value:
                self._values[owner][key.removeprefix(variable(owner, "")).lower()] = value

    def settings(self, connection: str, spec: ConnectorSpec) -> tuple[dict[str, str], list[Finding]]:
        fields = {name.lower(): name for name in spec.config.model_fields}
        found: dict[str, str] = {}
        findings: list[Finding] = []
        for word, value in self._values[connection].items():
            from_file = word not in fields and word.endswith(_FILE.lower())
            setting = fields.get(word.removesuffix(_FILE.lower()) if from_file else word)
            key = variable(connection, word)
            if setting is None:
                known = [variable(connection, each) for each in fields]
                findings.append(_about(key, f"{spec.kind} has no such setting", choose(key, known)))
            elif setting in found:
                findings.append(
                    _about(key, f"{setting} of {connection} is given twice", f"Set it with or without {_FILE}.")
                )
            else:
                try:
                    found[setting] = FilePath(value).read_text().rstrip("\r\n") if from_file else value
                except (OSError, UnicodeDecodeError) as wrong:
                    findings.append(_about(key, f"{value} cannot be read: {wrong}", "Name a readable text file."))
        return found, findings


def _refused(name: str, spec: ConnectorSpec, given: Mapping[str, str], wrong: ValidationError) -> Iterator[Finding]:
    secret = secrets_of(spec.config)
    for each in refusals(wrong, spec.config):
        setting = str(each.path[0]) if each.path else ""
        if not setting:
            named = [word for word in sorted(secret) if word in each.what]
            ways = ", ".join(f"{variable(name, word)} (or …{_FILE})" for word in named)
            yield _finding(name, "settings", each.what, f"Set {ways}." if ways else each.fix)
        elif each.missing and setting in secret:
            yield _finding(name, setting, "the secret is missing", f"Set {variable(name, setting)} (or …{_FILE}).")
        elif each.missing:
            way = f"Say it under settings, or set {variable(name, setting)}. {each.fix}"
            yield _finding(name, setting, "is missing", way)
        elif setting in given:
            yield _about(variable(name, setting), each.what, each.fix)
        else:
            yield _finding(name, setting, each.what, each.fix)


def _finding(connection: str, setting: str, what: str, fix: str) -> Finding:
    inner = (setting,) if setting in ("kind", "settings") else ("settings", setting)
    return Finding("tieout.yaml", None, ("connections", connection, *inner), what, fix)


def _about(key: str, what: str, fix: str) -> Finding:
    return Finding(_ENVIRONMENT, None, (key,), what, fix)


def _is_secret(annotation: Any) -> bool:
    if annotation in (SecretStr, SecretBytes):
        return True
    return any(_is_secret(each) for each in get_args(annotation))
