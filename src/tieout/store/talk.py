"""What people say to each other about a hold: comments in its story, and questions that wait for an answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tieout.store.database import Tx, row, rows


async def say(tx: Tx, hold_id: int, kind: str, actor: str, text: str, now: datetime) -> None:
    """`kind` is comment, question or answer: the story shows them apart from what happened."""
    await tx.execute(
        "insert into hold_event (hold_id, at, actor, what, kind) values (%s, %s, %s, %s, %s)",
        (hold_id, now, actor, text, kind),
    )


async def ask(tx: Tx, hold_id: int, question: str, *, of: str, by: str, now: datetime) -> int:
    stored = await row(
        tx,
        """
        insert into hold_question (hold_id, question, asked_of, asked_by, asked_at) values (%s, %s, %s, %s, %s) returning id
        """,
        (hold_id, question, of, by, now),
    )
    assert stored is not None
    return stored["id"]


async def question(tx: Tx, question_id: int, *, lock: bool = False) -> dict[str, Any] | None:
    if lock:
        return await row(tx, "select * from hold_question where id = %s for update", (question_id,))
    return await row(tx, "select * from hold_question where id = %s", (question_id,))


async def questions(tx: Tx, hold_id: int) -> list[dict[str, Any]]:
    return await rows(tx, "select * from hold_question where hold_id = %s order by id", (hold_id,))


async def answered(tx: Tx, question_id: int, answer: str, choice: str, *, by: str, now: datetime) -> None:
    await tx.execute(
        "update hold_question set answer = %s, choice = %s, answered_by = %s, answered_at = %s where id = %s",
        (answer, choice, by, now, question_id),
    )
