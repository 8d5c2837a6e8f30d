"""What people say about a hold: comments, and questions at an address of their own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field
from starlette.responses import Response

from tieout.api.problem import documented, not_found
from tieout.api.shapes import Empty, HoldNumber, Line, Released, Text, Word, picked
from tieout.api.visit import Reading, Right, Visit, tagged, who_lacks
from tieout.store import talk

QuestionNumber = Annotated[str, Path(pattern=r"^Q-[0-9]{1,12}$", description="A question's number: Q-301")]


class Comment(BaseModel):
    """What somebody says; @name calls somebody."""

    text: Text


class Ask(BaseModel):
    """A question to a person, by e-mail address."""

    of: Line
    question: Text


class Asked(BaseModel):
    """Where the person finds the question."""

    id: str = Field(examples=["Q-301"])
    address: str = Field(description="Of the page in the console", examples=["/questions/Q-301"])


class Question(BaseModel):
    """A question about a hold, and its answer once there is one."""

    id: str
    hold: str
    question: str
    asked_of: str
    asked_by: str
    asked_at: datetime
    answer: str
    choice: str = Field(description="The answer of the hold's own question, where this one decided it")
    answered_by: str | None
    answered_at: datetime | None


class Answer(BaseModel):
    """What the asked person says; `choice` is one of the hold's own answers and decides it."""

    text: Word = ""
    choice: Word = ""


def add_to(router: APIRouter, acts: dict[int | str, dict[str, Any]]) -> None:
    router.add_api_route(
        "/{hold}/comment",
        comment,
        methods=["POST"],
        response_model=Empty,
        summary="Say something about it",
        responses=acts,
    )
    router.add_api_route(
        "/{hold}/ask", ask, methods=["POST"], response_model=Asked, summary="Ask a person about it", responses=acts
    )


def routes() -> APIRouter:
    router = APIRouter(prefix="/questions", tags=["holds"], responses=documented(401, 403, 422, 429))
    router.add_api_route(
        "/{question}", read, summary="One question", response_model=Question, responses=documented(404)
    )
    router.add_api_route(
        "/{question}/answer",
        answer,
        methods=["POST"],
        summary="Answer what you were asked",
        response_model=Released,
        responses=documented(404, 409, 413),
    )
    return router


async def comment(visit: Annotated[Visit, Depends(Right("hold.comment"))], hold: HoldNumber, said: Comment) -> Response:
    async def act() -> Empty:
        await visit.hub.operator.talk.comment(_number(hold), text=said.text, actor=visit.actor.email)
        return Empty()

    return await visit.once(act)


async def ask(visit: Annotated[Visit, Depends(Right("hold.comment"))], hold: HoldNumber, asked: Ask) -> Response:
    async def act() -> Asked:
        number = await visit.hub.operator.talk.ask(
            _number(hold), of=asked.of, question=asked.question, actor=visit.actor.email
        )
        return Asked(id=f"Q-{number}", address=f"/questions/Q-{number}")

    return await visit.once(act)


async def read(visit: Annotated[Visit, Depends(Reading("look"))], question: QuestionNumber) -> Response:
    async with visit.hub.database.transaction() as tx:
        found = await talk.question(tx, _number(question))
    if found is None:
        raise not_found(f"question {question}")
    return tagged(visit, picked(Question, found, id=question, hold=f"H-{found['hold_id']}"))


async def answer(
    visit: Annotated[Visit, Depends(Right("question.answer"))], question: QuestionNumber, said: Answer
) -> Response:
    if said.choice and not visit.actor.may("hold.decide"):
        raise who_lacks("hold.decide")

    async def act() -> Released:
        released = await visit.hub.operator.talk.answer(
            _number(question), text=said.text, choice=said.choice, actor=visit.actor.email
        )
        return Released.of(released)

    return await visit.once(act)


def _number(name: str) -> int:
    return int(name.partition("-")[2])
