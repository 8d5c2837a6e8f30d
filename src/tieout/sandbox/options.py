"""How a sandbox is started: everything that a command line or a test may say about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

DEFAULT_SEED = 2026


def _silent(_: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Bell:
    """Where the CRM rings when a deal changes. An Outbound Message can carry a secret in its address only, so the address
    has the token in it; the hub is told the same token as its connection's `doorbell_secret`."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Options:
    """`state` is the folder that everything is kept in; the same folder again continues, unless `fresh`.

    `port_base` is the first of a row of ports; without it free ones are taken, the same again when they are still free.
    `calendar` is the file with the story's date, by default in the folder. `day` is played to before anybody is told
    that the sandbox is ready. `erp_cache` keeps the prepared ERP, for every sandbox of this machine.
    """

    state: Path
    fresh: bool = False
    port_base: int | None = None
    calendar: Path | None = None
    day: date | None = None
    bell: Bell | None = None
    erp: bool = True
    erp_cache: Path | None = None
    erp_web: Path | None = None
    seed: int = DEFAULT_SEED
    progress: Callable[[str], None] = _silent
