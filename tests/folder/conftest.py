"""A complete firm folder on disk, for a catalogue of one small kind of system; each test spoils what it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from tieout.connectors.contract import ConnectorSpec, Opening

Write = Callable[[str, str], None]


class Login(BaseModel):
    """A model inside a connector's settings."""

    model_config = ConfigDict(extra="forbid")

    user: str = Field(description="Who logs in")


class DemoConfig(BaseModel):
    """Settings of a system that exists in these tests only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https://", description="Its address, https://…")
    password: SecretStr = Field(description="Its password")
    token: SecretStr | None = Field(default=None, description="A token in place of the login")
    login: Login | None = Field(default=None, description="Who logs in where there is no token")
    region: Literal["eu", "us"] = Field(default="eu", description="Where it runs")
    timeout: float = Field(default=30, gt=0, description="Seconds")
    sandbox: bool = Field(default=False, description="Whether it is one")
    version: str = Field(default="60.0", description="API version")

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.region == "us" and self.token is None:
            raise ValueError("the us region needs token")
        return self


def never_opened(opening: Opening) -> Any:
    raise AssertionError(f"{opening.name} was opened")


DEMO = ConnectorSpec(kind="demo", title="Demo", roles=("crm", "psa", "erp"), config=DemoConfig, open=never_opened)
LEDGER = ConnectorSpec(kind="ledger", title="Ledger", roles=("erp",), config=DemoConfig, open=never_opened)

FILES = {
    "tieout.yaml": """\
name: Kestrel
entities:
  - { code: US, name: Kestrel Inc., currency: USD }
connections:
  sales: { kind: demo, role: crm, settings: { url: https://sales.example, timeout: 12.5, sandbox: true } }
  delivery: { kind: demo, role: psa, settings: { url: https://delivery.example } }
  erp-us:
    kind: ledger
    role: erp
    entity: US
    settings:
      url: https://erp.example
      version: 60.0
approvals: { amount_above: { USD: 250000.00 } }
payment_terms: { Net 30: 30 }
""",
    "packages/discovery.yaml": """\
key: DISCOVERY
name: Discovery
practice: Data
tasks:
  - { name: Interviews, role: Principal, hours: 16 }
""",
    "rate_cards/us.yaml": """\
key: US-2026
name: US 2026
entity: US
currency: USD
versions:
  - { version: 1, valid_from: 2026-01-01, rates: { Principal: 420.10 } }
""",
    "tables/practice_department.yaml": """\
name: practice_department
purpose: department
rows:
  - { key: Data, value: 0410 }
""",
}


@pytest.fixture
def kinds() -> Mapping[str, ConnectorSpec]:
    return {"demo": DEMO, "ledger": LEDGER}


@pytest.fixture
def files() -> Mapping[str, str]:
    return FILES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "firm"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.fixture
def rewrite(folder: Path) -> Callable[[str, str, str], None]:
    """Replaces a text in a file of the folder; the text must be there."""

    def replace(name: str, old: str, new: str) -> None:
        before = (folder / name).read_text()
        assert old in before
        (folder / name).write_text(before.replace(old, new, 1))

    return replace
