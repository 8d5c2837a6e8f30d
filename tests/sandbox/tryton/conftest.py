"""The ERP's template, built once and cached for the whole checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from tieout.sandbox.tryton.template import Template, build

CACHE = Path(__file__).parents[3] / ".cache" / "tryton"


@pytest.fixture(scope="session")
def template() -> Template:
    return build(CACHE)
