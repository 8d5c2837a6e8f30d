"""What a channel promises: it says one letter in one attempt, and knows neither rules nor retries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from tieout.domain.notices.message import Letter


class Partly(Exception):
    """The letter is delivered, but not to everybody: the text says how many are missing, and names nobody."""


class Channel(Protocol):
    """One open channel. `edits` says whether it can change what it said before; others are told again, seldom."""

    name: str
    edits: bool

    async def send(self, letter: Letter) -> str:
        """One attempt; returns the channel's name of the conversation's first message, empty when it has none.

        Raises Transient when it may work later (the letter may have arrived all the same), Misconfigured when a person
        must put the channel right, Partly. None of them says an address, a token or what the other side wrote.
        """
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """All that the hub knows of a kind of channel before it opens one.

    `addressed` kinds reach those whom a rule names under `to`; the others have their reader in their own address.
    `promise` says in one sentence what becomes of a letter when an attempt ends without an answer.
    """

    kind: str
    title: str
    config: type[BaseModel]
    open: Callable[[str, Any], Channel]
    promise: str
    addressed: bool = False
