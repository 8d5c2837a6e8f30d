"""A command line to call in this process, and firms to call it on."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from tieout.cli.main import run

KESTREL = Path(__file__).parents[2] / "src" / "tieout" / "sandbox" / "firm" / "kestrel"
# What Kestrel's connections must be told from outside; nothing answers there.
NOWHERE = {
    "TIEOUT_CONNECTION_SALESFORCE_URL": "http://127.0.0.1:9",
    "TIEOUT_CONNECTION_SALESFORCE_CLIENT_ID": "app",
    "TIEOUT_CONNECTION_SALESFORCE_CLIENT_SECRET": "secret",
    "TIEOUT_CONNECTION_KANTATA_URL": "http://127.0.0.1:9",
    "TIEOUT_CONNECTION_KANTATA_TOKEN": "token",
    "TIEOUT_CONNECTION_KANTATA_ACTIVE_STATUS": "1",
    "TIEOUT_CONNECTION_KANTATA_ON_HOLD_STATUS": "2",
} | {
    f"TIEOUT_CONNECTION_ERP_{entity}_{name}": value
    for entity in ("US", "DE")
    for name, value in {
        "URL": "http://127.0.0.1:9",
        "DATABASE": "erp",
        "USER": "hub",
        "PASSWORD": "secret",
        "COMPANY": "Kestrel",
        "ENTITY": entity,
    }.items()
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document; a second one, or a word beside it, is an error."""
        return json.loads(self.out)


Tieout = Callable[..., Said]


@pytest.fixture
def tieout(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Generator[Tieout]:
    """Runs a command line in this process, in an empty folder and an environment without any TIEOUT_ variable."""
    for name in [name for name in os.environ if name.startswith("TIEOUT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Said:
        capfd.readouterr()
        code = run(arguments)
        out, err = capfd.readouterr()
        return Said(code, out, err)

    yield call
    # A hub that was started in this process logs to a stream that ends with the test.
    logging.getLogger().handlers.clear()
    structlog.reset_defaults()


@pytest.fixture
def on_database(monkeypatch: pytest.MonkeyPatch, tieout: Tieout, database_url: str) -> Tieout:
    """The same, on this test's own migrated database."""
    monkeypatch.setenv("TIEOUT_DATABASE_URL", database_url)
    return tieout


@pytest.fixture
def kestrel(tmp_path: Path) -> Path:
    """A copy of Kestrel's firm folder."""
    return shutil.copytree(KESTREL, tmp_path / "kestrel")
