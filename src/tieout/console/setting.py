"""What the console is built from: handed down by the composition root, the same for every page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import jinja2

from tieout.console import wording
from tieout.domain.firm import Firm
from tieout.domain.identity import Ref
from tieout.engine.access import Access
from tieout.engine.operator import Operator
from tieout.engine.replay import Replays
from tieout.store.database import Database

HERE = Path(__file__).parent
STATIC = HERE / "static"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody a sandbox lets in with one click; `token` is their access token."""

    name: str
    does: str
    token: str


@dataclass(frozen=True, slots=True)
class Door:
    """The way into a system's own user interface or address, shown beside its card."""

    connection: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Environment:
    """Where this console stands. An empty `name` is production; a name is shown on every page."""

    name: str = ""
    build: str = ""
    visitors: tuple[Visitor, ...] = ()
    doors: tuple[Door, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything a page may use. `link` gives the address of a record in its own system, or an empty string.

    `quiet` says how long each kind of connection may be silent before Today says so.
    """

    database: Database
    operator: Operator
    replays: Replays
    access: Access
    firm: Callable[[], Firm]
    clock: Callable[[], datetime]
    link: Callable[[Ref], str]
    environment: Environment
    templates: jinja2.Environment
    veiled: jinja2.Environment
    quiet: timedelta = timedelta(hours=1)


def templates(*, money: bool = True) -> jinja2.Environment:
    """Escapes everything, and an unknown name is an error rather than an empty place. Without `money`, amounts are dashes."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    cast(Any, made).filters.update(_FILTERS if money else {**_FILTERS, **_MASKING})
    fingerprints = {name: _fingerprint(STATIC / name) for name in _files(STATIC)}

    def asset(name: str) -> str:
        return f"/static/{name}?v={fingerprints[name]}"

    cast(Any, made).globals["asset"] = asset
    return made


def _files(folder: Path) -> list[str]:
    return [str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()]


def _fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


_FILTERS: Mapping[str, Callable[..., object]] = {
    "figure": wording.figure,
    "number": wording.number,
    "plain": wording.plain,
    "exactly": wording.exactly,
    "hours": wording.hours,
    "count": wording.count,
    "ago": wording.ago,
    "due": wording.due,
    "lasting": wording.lasting,
    "moment": wording.moment,
    "moment_to_the_second": wording.moment_to_the_second,
    "utc": wording.utc,
    "day": wording.day,
    "flow_title": wording.flow_title,
    "person": wording.person,
    "opening": wording.opening,
    "words": wording.words,
    "tone": wording.tone,
    "value": wording.value,
}
_MASKING: Mapping[str, Callable[..., object]] = {
    "figure": wording.dash,
    "exactly": wording.dash,
    "hours": wording.hours_alone,
    "number": wording.number_alone,
    "plain": wording.plain_alone,
}
