"""The sandbox as the demo sees it: a child process, and the control server through which the story is moved on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import httpx2

from tieout.cli.exits import Exit, stop

_A_DAY = 120
_BELLS = "/_sandbox/outbound-messages"


class Box:
    """What a sandbox announced, and the doors it opened."""

    def __init__(self, description: Mapping[str, Any], http: httpx2.AsyncClient) -> None:
        self.description = description
        self._http = http

    @property
    def environment(self) -> dict[str, str]:
        """The variables of every connection of the hub."""
        return dict(self.description["environment"])

    async def status(self, acts: int = 0) -> dict[str, Any]:
        """Where the story stands, with the last acts of the people in it."""
        return await self._control("GET", f"/story?log={acts}")

    async def advance(self, until: date) -> dict[str, Any]:
        """Plays the story up to a day. Raises Stop when somebody in it could not do what they do."""
        told = await self._control("POST", "/story/advance", {"until": until.isoformat()})
        if told.get("failure"):
            raise stop(Exit.PROBLEM, f"The story stopped: {told['failure']}", where=self.description["control"])
        return told

    async def books(self) -> dict[str, Any]:
        """What stands in each system by its own account."""
        return await self._control("GET", "/books")

    async def ring_rudely(self) -> None:
        """From now on the CRM rings twice for everything, and the newest first."""
        url = self.description["systems"]["salesforce"]["url"] + _BELLS
        for each in (await self._http.get(url)).raise_for_status().json()["messages"]:
            again = {name: each[name] for name in ("object", "fields", "url", "where", "newly_met")}
            (await self._http.delete(f"{url}/{each['id']}")).raise_for_status()
            (await self._http.post(url, json={**again, "duplicate": True, "reverse": True})).raise_for_status()

    async def _control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        url = self.description["control"] + path
        try:
            answer = await self._http.request(method, url, json=body, timeout=_A_DAY)
        except httpx2.TransportError as gone:
            raise stop(Exit.UNREACHABLE, f"The sandbox does not answer: {gone}", where=url) from gone
        if answer.status_code not in (200, 202, 500):
            raise stop(Exit.UNREACHABLE, f"The sandbox says {answer.status_code}: {answer.text[:200]}", where=url)
        return answer.json()
