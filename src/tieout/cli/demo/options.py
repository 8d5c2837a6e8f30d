"""How a demo is started: everything that its command line or a test may say about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_SEED = 2026


@dataclass(frozen=True, slots=True)
class Options:
    """`home` is the folder that everything is kept in; the same folder again continues, unless `fresh`.

    `once` plays the story to its end, lets finance answer what is left, and ends; otherwise the demo stays until it is
    interrupted, and the answers are the visitor's. `pace` are the seconds a day of the story takes at least.
    """

    home: Path
    once: bool = False
    fresh: bool = False
    port: int = 8900
    pace: float = 1.0
    seed: int = DEFAULT_SEED
    kill_hub: bool = False
    rude_webhooks: bool = False
    erp_ui: bool = False
    # A hub that does not catch up within this many seconds is a failure, not a slow machine.
    patience: float = 180
