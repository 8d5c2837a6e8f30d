"""How a Tryton connection is configured: which database, whose books, and how long a lost answer may still have its effect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class TrytonConfig(BaseModel):
    """Settings of a connection of kind `tryton`: one legal entity, seen by a user of its own. The password reaches it
    from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="Address of the server, https://erp.example.com")
    database: str = Field(description="Name of its database")
    user: str = Field(description="The hub's user; it belongs to exactly one company")
    password: SecretStr = Field(description="The user's password")
    company: str = Field(description="Name of the company in Tryton, as its party is called")
    entity: str = Field(default="", description="Code of the legal entity, for messages; the company's name when empty")
    analytic_root: str = Field(
        default="Practice", description="The analytic dimension that departments are accounts of"
    )
    products: Mapping[str, str] = Field(
        default_factory=dict[str, str],
        description="Role → code of the service product that is billed for it; a role without an entry is a product's name",
    )
    web_url: str = Field(default="", description="Address of the web client; without it there are no links into Tryton")
    timeout: float = Field(default=60, gt=0, le=600, description="Seconds for one call")
    settle: float = Field(
        default=120,
        ge=0,
        description="Seconds after a lost answer in which the request may still have its effect; more than `timeout`",
    )

    @property
    def named(self) -> str:
        """The entity as problems call it."""
        return self.entity or self.company

    @property
    def settles_in(self) -> timedelta:
        return timedelta(seconds=self.settle)
