"""Serves one WSGI application with one thread on an inherited socket, and ends when its parent does.

It is started as a script by the ERP's own interpreter. The one thread is the point: on SQLite, Tryton's requests must
never overlap (two of them may take the same invoice number). The leash is standard input: nothing is ever written to
it, and when it closes, whoever held the other end is gone, even by `kill -9`.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import socket
import sys
import threading


def main(application: str, descriptor: str) -> None:
    app = pkgutil.resolve_name(application)  # before any thread: it refuses to load beside one
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    door = socket.socket(fileno=int(descriptor))
    importlib.import_module("waitress").serve(app, sockets=[door], threads=1)


def _end_with_the_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(0)  # at once: an open transaction is rolled back when the database is opened again


if __name__ == "__main__":
    main(*sys.argv[1:])
