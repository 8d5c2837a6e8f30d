"""A question about a hold, at an address of its own: who was asked answers here, in a text or with a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.exceptions import HTTPException
from starlette.responses import Response

from tieout.console import choices
from tieout.console.onward import onward
from tieout.console.rows import HoldRow, explained, hold_row
from tieout.console.visit import Visit
from tieout.domain.problems import Explained
from tieout.store import holds, talk


@dataclass(frozen=True, slots=True)
class Question:
    """The page's own variables. `mine` says whether the viewer is the one who was asked."""

    template: ClassVar[str] = "question.html"

    question: Mapping[str, Any]
    hold: HoldRow
    answers: Explained
    choices: tuple[choices.Answer, ...]
    mine: bool


async def show(visit: Visit) -> Response:
    asked, hold = await _asked(visit)
    known = choices.question(hold["code"], hold["facts"]) if hold["state"] == "open" else None
    return await visit.page(
        Question(
            question=asked,
            hold=hold_row(hold),
            answers=explained(hold),
            choices=known.answers if known and visit.may("hold.decide") else (),
            mine=asked["asked_of"].casefold() == visit.me.casefold(),
        )
    )


async def answer(visit: Visit) -> Response:
    asked, _ = await _asked(visit)
    visit.require("question.answer")
    form = await visit.form()
    if form.get("choice"):
        visit.require("hold.decide")
    released = await visit.setting.operator.talk.answer(
        asked["id"], text=form.get("text", ""), choice=form.get("choice", ""), actor=visit.me
    )
    return await onward(visit, f"/questions/Q-{asked['id']}", "Thank you: your answer is in the story.", released)


async def _asked(visit: Visit) -> tuple[dict[str, Any], dict[str, Any]]:
    text = str(visit.request.path_params["id"]).upper().removeprefix("Q-")
    number = int(text) if text.isdigit() and len(text) <= 18 else 0
    async with visit.setting.database.transaction() as tx:
        asked = await talk.question(tx, number)
        hold = await holds.get(tx, asked["hold_id"]) if asked else None
    if asked is None or hold is None:
        raise HTTPException(404, f"There is no question Q-{text}.")
    return asked, hold
