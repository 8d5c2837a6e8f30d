"""What the API stands on: handed in by the composition root, found by each request in the application's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from tieout.api.collected import Collected
from tieout.api.limits import Bucket, Limits
from tieout.domain.firm import Firm
from tieout.engine.access import Access
from tieout.engine.operator import Operator
from tieout.engine.replay import Replays
from tieout.engine.run import Calendar, Clock
from tieout.store.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    """One set for the life of an application."""

    database: Database
    operator: Operator
    replays: Replays
    access: Access
    firm: Callable[[], Firm]
    clock: Clock
    calendar: Calendar
    free_bytes: Callable[[], int]
    limits: Limits
    collected: Collected
    requests: Bucket


def services_of(request: Request) -> Services:
    return cast(Services, request.app.state.services)


Hub = Annotated[Services, Depends(services_of)]
