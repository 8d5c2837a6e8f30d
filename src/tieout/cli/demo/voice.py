"""What the demo says while it works: lines with the time they came at, and a line that moves while something is waited for."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, Any

from rich.console import Console
from rich.status import Status
from rich.text import Text


class Voice:
    """Speaks into one stream: a terminal gets colour and a spinner, anything else plain lines."""

    def __init__(self, stream: IO[str]) -> None:
        terminal = stream.isatty()
        self._console = Console(file=stream, highlight=False, markup=False, width=None if terminal else 160)
        self._began = time.monotonic()
        self._status: Status | None = None
        self._moves = terminal

    @property
    def seconds(self) -> float:
        """Since the demo began."""
        return time.monotonic() - self._began

    def say(self, what: str, style: str = "") -> None:
        """A line that stays, with its second."""
        self._console.print(Text.assemble((f"{self.seconds:7.1f} s  ", "dim"), (what, style)), soft_wrap=True)

    def indent(self, what: str, style: str = "dim") -> None:
        """A line that belongs to the one above it."""
        self._console.print(Text(f"           {what}", style), soft_wrap=True)

    def plain(self, what: Any = "") -> None:
        """A line or a table by itself."""
        self._console.print(what, soft_wrap=isinstance(what, str))

    @contextmanager
    def waiting(self, what: str) -> Generator[None]:
        """While inside, a terminal shows that something is waited for."""
        if not self._moves:
            yield
            return
        if self._status is not None:
            self._status.update(what)
            yield
            return
        with self._console.status(what) as status:
            self._status = status
            try:
                yield
            finally:
                self._status = None
