"""The story's clock: it stands until somebody acts, never runs backwards, and is the same for every sandbox system."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path


class StoryClock:
    """A callable that tells the story's time (UTC). `state` keeps it over a restart.

    `calendar` is a file with the current date of the story and nothing else, for whoever must know which day it is
    without asking.
    """

    def __init__(self, start: datetime, *, state: Path | None = None, calendar: Path | None = None) -> None:
        self._state = state
        self._calendar = calendar
        self._at = start
        if state is not None and state.exists():
            self._at = max(start, datetime.fromisoformat(state.read_text(encoding="utf-8").strip()))
        self._keep()
        self._show()

    def __call__(self) -> datetime:
        return self._at

    @property
    def today(self) -> date:
        return self._at.date()

    def jump(self, to: datetime) -> datetime:
        """Forward to a moment; one that has passed already changes nothing."""
        before = self.today
        self._at = max(self._at, to.astimezone(UTC))
        self._keep()
        if self.today != before:
            self._show()
        return self._at

    def tick(self, seconds: float = 1) -> datetime:
        """A moment passes, so that two acts have different stamps."""
        return self.jump(self._at + timedelta(seconds=seconds))

    def _keep(self) -> None:
        if self._state is not None:
            replace_text(self._state, self._at.isoformat())

    def _show(self) -> None:
        if self._calendar is not None:
            replace_text(self._calendar, f"{self.today.isoformat()}\n")


def replace_text(path: Path, text: str) -> None:
    """Readers see the old text or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
