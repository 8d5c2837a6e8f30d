"""One module for each bench; a module's one value is its `BENCH`."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from faults.bench import Bench


def benches() -> dict[str, Bench]:
    """Every bench by its name, which is its module's."""
    found: dict[str, Bench] = {}
    for module in pkgutil.iter_modules(__path__):
        bench: Bench = import_module(f"{__name__}.{module.name}").BENCH
        assert bench.name == module.name.replace("_", "-"), f"{module.name}.py calls its bench {bench.name}"
        found[bench.name] = bench
    return found
