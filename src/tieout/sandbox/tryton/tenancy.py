"""Who may enter the ERP of the sandbox, and which companies it holds: what the bootstrap made, kept beside the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

DATABASE = "erp"
ADMINISTRATOR = "admin"

UserRole = Literal["hub", "clerk", "admin"]


class Login(BaseModel):
    """A user of the ERP; an administrator belongs to no single entity."""

    model_config = ConfigDict(frozen=True)

    user: str
    password: str
    role: UserRole
    entity: str = ""
    name: str = ""


class Tenancy(BaseModel):
    """The companies (entity code → name in the ERP) and the logins (by user). `lock` names the packages it was made with."""

    model_config = ConfigDict(frozen=True)

    lock: str
    companies: Mapping[str, str]
    logins: Mapping[str, Login]

    def hub(self, entity: str) -> Login:
        """The hub's own user in an entity. Raises KeyError for an entity that is not there."""
        return self.logins[hub_user(entity)]

    def clerk(self, entity: str) -> Login:
        """Who posts, pays and credits in an entity. Raises KeyError for an entity that is not there."""
        return {each.entity: each for each in self.logins.values() if each.role == "clerk"}[entity]

    @property
    def admin(self) -> Login:
        return self.logins[ADMINISTRATOR]


def hub_user(entity: str) -> str:
    return f"hub-{entity.lower()}"
