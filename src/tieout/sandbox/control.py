"""The control server: what the story's clock shows, how it is moved on, where the systems are, and what people did in them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tieout.sandbox.story.play import Story

Description = Callable[[], Mapping[str, Any]]
Books = Callable[[], Awaitable[Mapping[str, Any]]]
_LONGEST_LEAP = timedelta(days=366)


class Advance(BaseModel):
    """How far: a number of days, or a date. `pace` seconds pass after each day; `wait` false answers at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: int | None = Field(default=None, ge=1, le=366)
    until: date | None = None
    pace: float = Field(default=0, ge=0, le=60)
    wait: bool = True

    @model_validator(mode="after")
    def _one_of_both(self) -> Advance:
        if (self.days is None) == (self.until is None):
            raise ValueError("give either days or until")
        return self

    def end(self, played: date) -> date:
        return self.until if self.until is not None else played + timedelta(days=self.days or 0)


class Control:
    """Routes without a login: they belong to whoever started the sandbox, on this machine only."""

    def __init__(self, story: Story, description: Description, books: Books) -> None:
        self._story = story
        self._description = description
        self._books = books
        self._leaps: set[asyncio.Task[None]] = set()
        self._failure = ""

    def asgi(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/health", self._health),
                Route("/story", self._status),
                Route("/story/advance", self._advance, methods=["POST"]),
                Route("/systems", self._systems),
                Route("/books", self._audit),
            ]
        )

    async def close(self) -> None:
        for leap in self._leaps:
            leap.cancel()
        await asyncio.gather(*self._leaps, return_exceptions=True)

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"ok": True, "day": self._story.clock.today.isoformat()})

    async def _status(self, request: Request) -> Response:
        """`?log=N` shows the last N acts."""
        lines = request.query_params.get("log", "20")
        return self._told(int(lines) if lines.isdigit() else 20)

    async def _systems(self, request: Request) -> Response:
        return JSONResponse(self._description())

    async def _audit(self, request: Request) -> Response:
        return JSONResponse(await self._books())

    async def _advance(self, request: Request) -> Response:
        try:
            wanted = Advance.model_validate_json(await request.body())
        except ValidationError as wrong:
            return Response(wrong.json(include_url=False), 422, media_type="application/json")
        end = wanted.end(self._story.played)
        if end - self._story.played > _LONGEST_LEAP:
            return JSONResponse({"error": f"{end} is more than a year ahead"}, 422)
        leap = asyncio.create_task(self._story.advance(end, pace=wanted.pace))
        self._leaps.add(leap)
        leap.add_done_callback(self._landed)
        if not wanted.wait:
            return self._told(0, 202)
        await asyncio.wait([leap])
        return self._told(20, 500 if self._failure else 200)

    def _told(self, lines: int, status: int = 200) -> Response:
        return JSONResponse({**self._story.status(lines), "failure": self._failure}, status)

    def _landed(self, leap: asyncio.Task[None]) -> None:
        self._leaps.discard(leap)
        failure = None if leap.cancelled() else leap.exception()
        self._failure = f"{type(failure).__name__}: {failure}" if failure else ""
