"""Brings bugs back into intake, whichever way it stores what it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from tieout.store import messages
from tieout.store.database import Tx
from tieout.store.messages import Arrival


def recorded_by(record: Callable[..., Awaitable[list[dict[str, Any]]]]) -> AbstractContextManager[Any]:
    """Intake stores what it is told in this way, pages too."""

    async def page(tx: Tx, arrivals: Sequence[Arrival], **more: Any) -> tuple[int, int]:
        stored = await record(tx, arrivals, **more)
        return len(stored), sum(each["state"] == "in_flight" for each in stored)

    return patch.multiple(messages, record=record, record_page=page)
