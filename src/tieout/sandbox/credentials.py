"""Passwords, secrets and tokens of the sandbox: derived from its seed, so that nothing has to be kept and all of it can be shown."""

from __future__ import annotations

import hashlib


class Credentials:
    """Worthless by design: the systems they open exist on this machine only."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def of(self, system: str, login: str) -> str:
        """The password of a login in a system."""
        return hashlib.sha256(f"{self._seed}/{system}/{login}".encode()).hexdigest()[:24]
