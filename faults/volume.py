"""A small disk that can lose its power: ext4 on a loop device, cut off with what only its caches know."""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Linux, fs/ext4/ext4.h: EXT4_IOC_SHUTDOWN is _IOR('X', 125, __u32), and 2 means: not even the journal is written.
_SHUTDOWN, _NO_LOG_FLUSH = 0x8004587D, 2
_PATIENCE = 30.0


def why_not() -> str:
    """Why no such disk can be had here; empty when it can."""
    if os.geteuid() != 0:
        return "needs root, to mount a disk of its own"
    missing = [each for each in ("mkfs.ext4", "mount", "umount") if shutil.which(each) is None]
    return f"needs {' and '.join(missing)}" if missing else ""


@dataclass(frozen=True, slots=True)
class Volume:
    """`path` is where it is mounted."""

    path: Path
    _image: Path

    @property
    def free(self) -> int:
        return shutil.disk_usage(self.path).free

    def cut(self) -> None:
        """The power goes: what was not flushed is gone, and every call on the disk fails from now on."""
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(handle, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(handle)

    def restore(self) -> None:
        """The power is back: mounts again, which replays the disk's journal. Nobody may be using it any more."""
        self._unmount()
        self._mount()

    def _mount(self) -> None:
        subprocess.run(["mount", "-o", "loop", self._image, self.path], check=True, capture_output=True)

    def _unmount(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while subprocess.run(["umount", self.path], check=False, capture_output=True).returncode:
            if time.monotonic() > deadline:
                raise TimeoutError(f"somebody still uses {self.path}")
            time.sleep(0.05)


@contextmanager
def volume(folder: Path, megabytes: int) -> Generator[Volume]:
    """Makes one in the folder, mounts it, and takes it away at the end."""
    image, path = folder / "disk.img", folder / "disk"
    path.mkdir()
    with image.open("wb") as file:
        file.truncate(megabytes * 2**20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True, capture_output=True)
    made = Volume(path, image)
    made._mount()
    path.chmod(0o755)
    try:
        yield made
    finally:
        made._unmount()
        image.unlink()
