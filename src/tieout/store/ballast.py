"""A file that is in the way on purpose: deleted when the disk is full, it gives the database room to go on at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# It is laid only where this many times its size is free: what is kept for an emergency must not make one.
_ROOM = 4


@dataclass(frozen=True, slots=True)
class Ballast:
    """`path` lies on the disk that the database writes to; `size` is in bytes, 0 for none."""

    path: Path
    size: int

    @property
    def there(self) -> bool:
        return not self.size or (self.path.exists() and self.path.stat().st_size >= self.size)

    def lay(self, free: int) -> None:
        """Makes the file, really allocated, when it is not there and the free bytes allow it."""
        if self.there or free < _ROOM * self.size:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            for first in range(0, self.size, 2**20):  # written, not sparse, and not to be compressed away
                os.pwrite(handle, os.urandom(min(2**20, self.size - first)), first)
            os.fsync(handle)
        finally:
            os.close(handle)
