"""How a Kantata connection is configured: which account, which token, and what the account calls things."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class KantataConfig(BaseModel):
    """Settings of a connection of kind `kantata`; the token reaches it from the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(default="https://api.mavenlink.com", pattern=r"^https?://[^/]+/?$", description="Host of the API")
    token: SecretStr = Field(description="OAuth token of an account administrator; it does not expire")
    web_url: str = Field(default="https://app.mavenlink.com", description="Where people open the account")
    personnel_service: str = Field(
        default="hris", description="Service name of the external reference that carries a user's personnel number"
    )
    templates: dict[str, str] = Field(
        default_factory=dict[str, str],
        description="Service package → title of the project template; without an entry the title is the package's code",
    )
    go_live: date | None = Field(default=None, description="Time and expenses before this day are not read")
    longest_name: int = Field(
        default=255,
        ge=20,
        description="Characters that the account takes in a project's title and a client's name; the vendor publishes no "
        "limit, so this one is assumed",
    )
    longest_text: int = Field(
        default=255,
        ge=20,
        description="Characters that it takes in any other text, such as a PO number; assumed as well",
    )
    active_status: int | None = Field(default=None, description="Status key of a project that runs; absent: left alone")
    tentative_status: int | None = Field(
        default=None, description="Status key of a project whose contract is not signed yet; absent: left alone"
    )
    tentative_stage: Literal["estimate", "project"] = Field(
        default="estimate",
        description="Stage of such a project. Whether people may book time on an estimate is not documented: "
        "say project where they may not",
    )
    on_hold_status: int | None = Field(default=None, description="Status key of a stopped project; absent: left alone")
    events: bool = Field(
        default=True, description="Whether the account has subscribed events; without them deletions are not seen"
    )
    accepted_share: str = Field(
        default="",
        description="Number field of a task that says how much of a milestone the customer has accepted, in percent; left out, "
        "a completed milestone is accepted whole",
    )
    settle: float = Field(
        default=240,
        ge=0,
        le=3600,
        description="Seconds after a lost answer until the account is asked whether the request was carried out; "
        "the vendor works on a request for up to three minutes",
    )
    overlap: float = Field(default=120, ge=0, le=86_400, description="Seconds that every sweep reads again")
    timeout: float = Field(default=60, gt=0, le=600, description="Seconds")
