"""How a Salesforce connection is configured: which org, which connected app, which stage counts as sold."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class SalesforceConfig(BaseModel):
    """Settings of a connection of kind `salesforce`; secrets reach it from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="My Domain address, https://acme.my.salesforce.com")
    auth: Literal["client_credentials", "jwt_bearer"] = "client_credentials"
    client_id: str = Field(description="Consumer key of the connected app")
    client_secret: SecretStr | None = Field(default=None, description="Consumer secret (client_credentials)")
    username: str = Field(default="", description="The integration user (jwt_bearer)")
    private_key: SecretStr | None = Field(default=None, description="PEM of the app's RSA key (jwt_bearer)")
    audience: str = Field(default="https://login.salesforce.com", description="Claim `aud` (jwt_bearer)")
    version: str = "60.0"
    approved_stages: tuple[str, ...] = ("Closed Won",)
    organization_id: str = Field(default="", description="When given, Outbound Messages of other orgs are refused")
    timeout: float = Field(default=30, gt=0, le=600, description="Seconds")
