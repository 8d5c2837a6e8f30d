"""What was agreed: the versions of a contract, clause by clause, and which of them each system shows."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.problem import documented, not_found
from tieout.api.shapes import Amount, Id, amount
from tieout.api.visit import Reading, Visit, tagged
from tieout.domain.contract_changes import differences
from tieout.domain.documents.engagement import ContractVersion
from tieout.domain.money import Money
from tieout.store import contracts
from tieout.store.contracts import Versions


class ClauseBody(BaseModel):
    """What a version says otherwise than the one before."""

    what: str
    before: str
    after: str


class VersionBody(BaseModel):
    """One version: it holds from a day on. `order` is the change order that made it, empty for what was signed first."""

    version: int
    effective_from: date
    amount: Amount
    order: str
    clauses: list[ClauseBody]


class ShownBody(BaseModel):
    """The version that a system confirmed last; of each project, where the engagement has several."""

    connection: str
    role: str
    project: str = Field(description="The key of the project that shows it; empty where the system shows it as a whole")
    version: int
    shown_at: datetime
    agrees: bool


class ContractBody(BaseModel):
    """A contract with all its versions, the newest first."""

    engagement: str
    entity: str
    version: int = Field(description="The one that is agreed")
    agrees: bool = Field(description="Whether every system shows it")
    versions: list[VersionBody]
    shown: list[ShownBody]


def routes() -> APIRouter:
    router = APIRouter(tags=["contracts"], responses=documented(401, 403, 404, 422, 429))
    router.add_api_route(
        "/contracts/{engagement}",
        agreed,
        response_model=ContractBody,
        summary="The versions of a contract with what differs between them, and what each system shows",
    )
    return router


async def agreed(visit: Annotated[Visit, Depends(Reading("look"))], engagement: Id) -> Response:
    async with visit.hub.database.transaction() as tx:
        found = await contracts.story(tx, engagement)
    if found is None:
        raise not_found("such contract")
    return tagged(visit, body_of(found))


def body_of(found: Versions) -> ContractBody:
    contract = found.contract
    return ContractBody(
        engagement=contract.engagement,
        entity=found.entity,
        version=contract.current.version,
        agrees=found.agrees,
        versions=[_version(each, contract.before(each)) for each in reversed(contract.versions)],
        shown=[
            ShownBody(
                connection=each["connection"], role=each["role"], project=each["project"], version=each["version"],
                shown_at=each["shown_at"], agrees=each["version"] == each["agreed"],
            )
            for each in found.shown
        ],
    )  # fmt: skip


def _version(version: ContractVersion, before: ContractVersion | None) -> VersionBody:
    clauses = differences(before, version) if before else []
    return VersionBody(
        version=version.version,
        effective_from=version.effective_from,
        amount=amount(Money(version.amount, version.currency).amount, version.currency),
        order=version.order,
        clauses=[ClauseBody(what=each.what, before=each.before, after=each.after) for each in clauses],
    )
