"""HTTP to a channel: one POST, no redirect, and what the answer means, told without a word of it that could be a secret."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tieout.channels.network import Guarded, Resolve, resolve
from tieout.domain.problems import Misconfigured, Transient

# The longest that an attempt lasts, whatever drips; the standard for webhooks recommends 15 to 30 seconds.
LONGEST = 20.0
_MOST = 65_536
# A reason in one lower-case word, such as channel_is_archived: nothing else of an answer is repeated.
_REASON = re.compile(r"[a-z][a-z_]{2,49}\Z")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, its body cut off where it is too long for an answer."""

    status: int
    text: str
    retry_after: float | None

    @property
    def reason(self) -> str:
        """HTTP 404 no_service: the status, and the other side's reason where it is one word."""
        word = self.text.strip()
        return f"HTTP {self.status}" + (f" {word}" if _REASON.match(word) else "")


class Post:
    """Posts to the hosts of one channel. Every request has a connection of its own: letters are few."""

    def __init__(
        self,
        hosts: tuple[str, ...],
        *,
        on_premise: bool = False,
        ca_file: Path | None = None,
        look_up: Resolve = resolve,
    ) -> None:
        context = trust(ca_file)
        network = httpx2.AsyncHTTPTransport(
            verify=context, trust_env=False, limits=httpx2.Limits(max_keepalive_connections=0)
        )
        guarded = Guarded(network, hosts=hosts, on_premise=on_premise, look_up=look_up)
        self._http = httpx2.AsyncClient(transport=guarded, follow_redirects=False, trust_env=False, timeout=LONGEST)

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer whatever its status below 500, but for 3xx, 408, 429: raises Transient or Misconfigured for those."""
        try:
            async with asyncio.timeout(LONGEST):
                answer = await self._exchange(url, body, headers)
        except (httpx2.TransportError, TimeoutError) as cut:
            raise Transient(f"no answer ({type(cut).__name__})") from None
        except httpx2.InvalidURL:
            raise Misconfigured("the address is not one of https") from None
        if 300 <= answer.status < 400:
            raise Misconfigured(f"the address has moved (HTTP {answer.status}); redirects are not followed")
        if answer.status in (408, 425, 429) or answer.status >= 500:
            raise Transient(answer.reason, answer.retry_after)
        return answer

    async def _exchange(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        async with self._http.stream(
            "POST", url, content=body, headers={**headers, "User-Agent": "Tieout"}
        ) as response:
            text = b""
            async for chunk in response.aiter_raw():
                text += chunk
                if len(text) > _MOST:
                    break
            wait = response.headers.get("Retry-After", "")
            return Answer(
                response.status_code, text[:_MOST].decode(errors="replace"), float(wait) if wait.isdigit() else None
            )

    async def close(self) -> None:
        await self._http.aclose()


def accepted(answer: Answer) -> None:
    """Nothing when the answer is a yes. Raises Misconfigured when it is a no."""
    if not 200 <= answer.status < 300:
        raise Misconfigured(f"it was refused: {answer.reason}")


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Whom to believe: the machine's authorities, or those of a file for a system within the firm."""
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
