"""The configuration that a run decides with: the firm as it is now, or as it was when the run last began."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tieout.domain.firm import Firm
from tieout.store import firm as firms
from tieout.store.database import Tx


@dataclass(frozen=True, slots=True)
class Configuration:
    """The firm, and the moment whose value tables count; None means today's."""

    firm: Firm
    values_at: datetime | None = None


async def configuration_of(tx: Tx, run: Mapping[str, Any], now: Callable[[], Firm]) -> Configuration:
    """What a run uses: `as_of` is set where a person asked for a replay as it was."""
    if run["as_of"] is None:
        return Configuration(now())
    return await configuration_then(tx, run["firm_version"], run["as_of"])


async def configuration_then(tx: Tx, firm_version: int, at: datetime) -> Configuration:
    """The configuration of an earlier moment."""
    stored = await firms.at_version(tx, firm_version)
    assert stored is not None, f"firm version {firm_version} is not in the books"
    return Configuration(Firm.model_validate(stored["content"]), at)
