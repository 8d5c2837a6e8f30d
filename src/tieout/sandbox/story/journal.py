"""What the people did, line by line: the narration for whoever watches, and the memory that nothing is done twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that one person did. `key` says which act of the story it was; `id` is the record it happened to."""

    key: str
    at: str
    who: str
    did: str
    what: str
    where: str
    id: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.at[:10]} {self.who} {self.did} {self.what}"

    def shown(self) -> dict[str, str]:
        return {**asdict(self), "sentence": self.sentence}


class Journal:
    """Acts in the order they happened. With a `path` they are kept as JSON lines and read again after a restart."""

    def __init__(self, path: Path | None, clock: Callable[[], datetime]) -> None:
        self._path = path
        self._clock = clock
        self.acts: list[Act] = []
        self._by_key: dict[str, Act] = {}
        if path is not None and path.exists():
            self._read(path)

    def __len__(self) -> int:
        return len(self.acts)

    def done(self, key: str) -> Act | None:
        return self._by_key.get(key)

    def write(self, key: str, who: str, did: str, what: str, where: str, id: str = "") -> Act:
        act = Act(key, self._clock().isoformat(timespec="seconds"), who, did, what, where, id)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(act), ensure_ascii=False) + "\n")
        self._remember(act)
        return act

    def counts(self) -> Mapping[str, int]:
        """How often each kind of thing was done."""
        return dict(Counter(each.did for each in self.acts))

    def _remember(self, act: Act) -> None:
        self.acts.append(act)
        self._by_key[act.key] = act

    def _read(self, path: Path) -> None:
        """A line that a killed process left unfinished never happened, and goes."""
        text, whole = path.read_text(encoding="utf-8"), ""
        for line in text.splitlines():
            try:
                facts: dict[str, Any] = json.loads(line)
            except ValueError:
                break
            self._remember(Act(**facts))
            whole += f"{line}\n"
        if whole != text:
            path.write_text(whole, encoding="utf-8")
