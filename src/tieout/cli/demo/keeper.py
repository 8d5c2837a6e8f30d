"""Keeps the demo's Postgres for as long as standard input is open: a process of its own, which no `kill -9` of the demo skips.

`python -m tieout.cli.demo.keeper FOLDER` prints the database's address as JSON and stops the server when its input closes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from tieout.cli.demo.lock import database_lock, held
from tieout.store.embedded import embedded_postgres


def main(folder: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # only the leash ends it: the hub needs the database until it has ended
    kept = Path(folder)
    with held(database_lock(kept)), embedded_postgres(kept / "postgres") as url:
        sys.stdout.write(json.dumps({"url": url}) + "\n")
        sys.stdout.flush()
        while os.read(0, 1024):
            pass


if __name__ == "__main__":
    main(sys.argv[1])
