"""Fuzzes one parser with atheris in a process of its own: `python -m faults.fuzzing PARSER CORPUS [libFuzzer's options]`."""

from __future__ import annotations

import sys
from typing import Any

import atheris  # pyright: ignore[reportMissingImports]  # optional: the bench mutates by itself where it is not there

fuzzer: Any = atheris


def main(arguments: list[str]) -> None:
    """Ends with libFuzzer's own code: 0 when nothing was found in its time."""
    name, corpus, *options = arguments
    with fuzzer.instrument_imports(include=["tieout"]):
        from faults.parsers import PARSERS  # noqa: PLC0415 - what is imported here is watched by the fuzzer
    parser = PARSERS[name]
    fuzzer.Setup([sys.argv[0], *options, corpus], parser.feed)
    fuzzer.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
