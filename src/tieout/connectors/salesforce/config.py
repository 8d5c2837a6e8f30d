"""How a Salesforce connection is configured: which org, which connected app, which stage counts as sold."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from standardwebhooks import Webhook


class SalesforceConfig(BaseModel):
    """Settings of a connection of kind `salesforce`; secrets reach it from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https?://[^/]+/?$", description="My Domain address, https://acme.my.salesforce.com")
    auth: Literal["client_credentials", "jwt_bearer"] = Field(
        default="client_credentials", description="How the connected app proves itself"
    )
    client_id: str = Field(description="Consumer key of the connected app")
    client_secret: SecretStr | None = Field(default=None, description="Consumer secret (client_credentials)")
    username: str = Field(default="", description="The integration user (jwt_bearer)")
    private_key: SecretStr | None = Field(default=None, description="PEM of the app's RSA key (jwt_bearer)")
    audience: str = Field(default="https://login.salesforce.com", description="Claim `aud` (jwt_bearer)")
    version: str = Field(default="60.0", pattern=r"^(4[6-9]|[5-9]\d)\.0$", description="API version, 46.0 or later")
    approved_stages: tuple[str, ...] = Field(
        default=("Closed Won",), min_length=1, description="Stages in which a deal counts as sold"
    )
    currency: str = Field(default="", description="The currency of every deal, in an org that has only one")
    go_live: date | None = Field(
        default=None,
        description="Deals closed or approved before this day (UTC) are left alone, whatever changes on them",
    )
    page_size: int = Field(default=1000, ge=1, le=2000, description="Deals per page of the first sweep")
    organization_id: str = Field(
        default="",
        pattern=r"^(00D[A-Za-z0-9]{12}([A-Za-z0-9]{3})?)?$",
        description="The org whose Outbound Messages are believed; without it none are",
    )
    doorbell_secret: SecretStr | None = Field(
        default=None, description="When given, an Outbound Message must bring it as the token of its address"
    )
    webhook_secret: SecretStr | None = Field(
        default=None, description="Signing secret (whsec_…, Standard Webhooks) of doorbells rung by a Flow or by Apex"
    )
    cpq: bool = Field(
        default=False,
        description="Whether deals are quoted with Salesforce CPQ: then the primary quote says what is sold",
    )
    change_orders: str = Field(
        default="",
        pattern=r"^([A-Za-z]\w*__c)?$",
        description="The object that keeps change orders, such as Change_Order__c; left out, there are none",
    )
    change_order_lines: str = Field(default="Lines__r", description="The relationship from a change order to its lines")
    timeout: float = Field(default=30, gt=0, le=600, description="Seconds")

    @field_validator("webhook_secret")
    @classmethod
    def _signs(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            try:
                Webhook(secret.get_secret_value())
            except Exception as wrong:
                raise ValueError("must be whsec_ and base64") from wrong
        return secret

    @model_validator(mode="after")
    def _credentials_fit(self) -> Self:
        if self.auth == "client_credentials" and not self.client_secret:
            raise ValueError("client_credentials needs client_secret")
        if self.auth == "jwt_bearer" and not (self.username and self.private_key):
            raise ValueError("jwt_bearer needs username and private_key")
        return self
