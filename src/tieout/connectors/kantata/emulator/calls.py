"""One request as the collections see it: who asks, with which parameters, and what the caller may see and do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tieout.connectors.kantata.emulator.records import Records
from tieout.connectors.kantata.emulator.schema import Row
from tieout.connectors.kantata.emulator.wire import truth

_FINANCIAL = ("edit_financials", "admin")


@dataclass(frozen=True)
class Call:
    """`kept` is the fault of a batch that is done in part: how many of its records succeed."""

    records: Records
    user: Row
    params: Mapping[str, str]
    kept: int | None = None

    def flag(self, name: str, otherwise: bool = False) -> bool:
        return truth(self.params[name]) if name in self.params else otherwise

    def listed(self, name: str) -> list[str]:
        return [each.strip() for each in self.params.get(name, "").split(",") if each.strip()]

    # -- rights

    @cached_property
    def _permission(self) -> str:
        membership = self.records.first("account_memberships", user_id=self.user["id"])
        return membership["permission"] if membership else ""

    @property
    def administrator(self) -> bool:
        return self._permission == "administrator"

    @property
    def may_create_projects(self) -> bool:
        return self._permission in ("administrator", "project_lead", "project_creator", "reports_viewer")

    def participation(self, workspace_id: str | None) -> Row | None:
        found = self.records.where("participations", "workspace_id", workspace_id)
        return next((each for each in found if each["user_id"] == self.user["id"]), None)

    def financial(self, workspace_id: str | None) -> bool:
        """Whether the caller is privileged in the project: may see rates and act for other people."""
        if self.administrator:
            return True
        mine = self.participation(workspace_id)
        return mine is not None and mine["access"] in _FINANCIAL

    def approves(self, workspace: Row) -> bool:
        named = self.user["id"] in (*workspace["approver_ids"], workspace["primary_maven_id"])
        return named or self.financial(workspace["id"])

    def sees(self, workspace_id: str | None) -> bool:
        return self.administrator or self.participation(workspace_id) is not None
