"""People talk about a hold where it stands: comments, and a question whose answer may decide it."""

from __future__ import annotations

from typing import Any

import pytest

from tieout.domain.problems import Problem
from tieout.engine.operator import Operator, Refused, Unknown
from tieout.engine.talk import mentions
from tieout.store import holds, talk, together
from tieout.store.database import rows
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio
ANNA, LEE = "anna.fischer@kestrel.example", "lee@kestrel.example"
VANISHED = Problem("invoice.vanished", {"invoice": "INV-1", "amount": "1 USD", "link": ""})


async def opened(books: Books) -> int:
    await books.held("006A", [VANISHED])
    async with books.database.transaction() as tx:
        return (await holds.listed(tx))[0]["id"]


async def story(books: Books, hold: int) -> list[tuple[str, str, str]]:
    async with books.database.transaction() as tx:
        return [(each["kind"], each["actor"], each["what"]) for each in (await holds.events(tx, hold))[1:]]


async def test_a_comment_stands_in_the_story_and_also_after_the_end(books: Books) -> None:
    hold, operator = await opened(books), Operator(books.database, books.now)
    await operator.talk.comment(hold, text=" Seen by @lee yesterday. ", actor=ANNA)
    await operator.ignore(hold, reason="a test", actor=ANNA)
    await operator.talk.comment(hold, text="Good.", actor=LEE)
    said = [each for each in await story(books, hold) if each[0] == "comment"]
    assert said == [("comment", ANNA, "Seen by @lee yesterday."), ("comment", LEE, "Good.")]
    with pytest.raises(Refused, match="says nothing"):
        await operator.talk.comment(hold, text=" ", actor=ANNA)
    with pytest.raises(Unknown):
        await operator.talk.comment(1, text="x", actor=ANNA)


async def test_the_asked_person_answers_once_and_nobody_in_their_place(books: Books) -> None:
    hold, operator = await opened(books), Operator(books.database, books.now)
    number = await operator.talk.ask(hold, of=LEE, question="Is it off?", actor=ANNA)
    with pytest.raises(Refused, match=f"asks {LEE}"):
        await operator.talk.answer(number, text="yes", actor=ANNA)
    assert (await operator.talk.answer(number, text="I look tomorrow", actor=LEE.upper())).runs == ()
    with pytest.raises(Refused, match="answered before"):
        await operator.talk.answer(number, text="again", actor=LEE)
    assert await story(books, hold) == [
        ("question", ANNA, f"asked {LEE}: Is it off?"), ("answer", LEE.upper(), "I look tomorrow"),
    ]  # fmt: skip
    async with books.database.transaction() as tx:
        (asked,) = await talk.questions(tx, hold)
    assert (asked["answer"], asked["choice"], asked["answered_by"]) == ("I look tomorrow", "", LEE.upper())


async def test_an_answer_may_decide_the_hold_in_the_name_of_who_was_asked(books: Books) -> None:
    hold, operator = await opened(books), Operator(books.database, books.now)
    number = await operator.talk.ask(hold, of=LEE, question="Is it off?", actor=ANNA)
    released = await operator.talk.answer(number, text="it is", choice="release", actor=LEE)
    assert len(released.runs) == 1
    async with books.database.transaction() as tx:
        assert await together.decisions(tx, [("salesforce/opportunity/006A", "invoice.vanished")]) == ["release"]
        (stored,) = await rows(tx, "select acted_by, acted_why from hold")
    assert stored == {"acted_by": LEE, "acted_why": "decided: release: it is"}


async def test_a_question_says_whom_and_what(books: Books) -> None:
    hold, operator = await opened(books), Operator(books.database, books.now)
    empty: dict[str, Any] = {"of": " ", "question": "x"}
    for asked in (empty, {"of": LEE, "question": " "}):
        with pytest.raises(Refused, match="whom you ask"):
            await operator.talk.ask(hold, actor=ANNA, **asked)
    with pytest.raises(Unknown):
        await operator.talk.answer(1, text="x", actor=LEE)
    number = await operator.talk.ask(hold, of=LEE, question="x", actor=ANNA)
    with pytest.raises(Refused, match="says nothing"):
        await operator.talk.answer(number, text=" ", actor=LEE)


def test_the_names_that_a_text_calls() -> None:
    assert mentions("@lee, ask @anna.fischer@kestrel.example. Or @lee; not a@b.example") == (
        "lee", "anna.fischer@kestrel.example",
    )  # fmt: skip
