"""What people say to each other about a hold: comments, and questions to somebody whose answer may decide it."""

from __future__ import annotations

import re

from tieout.engine.deeds import Deeds, Refused, Released, Unknown, because, question_of
from tieout.store import holds, talk
from tieout.store.scope import widen

# @anna.fischer, @anna.fischer@kestrel.example: a name after a blank or at the beginning, as people write it.
_MENTION = re.compile(r"(?<![\w@.])@([\w.+-]+(?:@[\w-]+(?:\.[\w-]+)+)?)")


class Talk(Deeds):
    """Comments and questions; each stays in the story of its hold."""

    async def comment(self, hold_id: int, *, text: str, actor: str) -> None:
        """Also on a hold that is resolved: the story goes on."""
        if not text.strip():
            raise Refused("An empty comment says nothing.")
        async with self._database.transaction() as tx:
            if await holds.get(tx, hold_id) is None:
                raise Unknown(f"There is no hold H-{hold_id}.")
            await widen(tx)
            await talk.say(tx, hold_id, "comment", actor, text.strip(), self._clock())
            await self._audit(tx, actor, "hold.comment", f"H-{hold_id}", {})

    async def ask(self, hold_id: int, *, of: str, question: str, actor: str) -> int:
        """A question to a person, who finds it at an address of its own; its number."""
        if not of.strip() or not question.strip():
            raise Refused("Say whom you ask, and what.")
        async with self._database.transaction() as tx:
            await self._open_hold(tx, hold_id)
            now = self._clock()
            number = await talk.ask(tx, hold_id, question.strip(), of=of.strip(), by=actor, now=now)
            await talk.say(tx, hold_id, "question", actor, f"asked {of.strip()}: {question.strip()}", now)
            await self._audit(tx, actor, "hold.ask", f"H-{hold_id}", {"question": f"Q-{number}", "of": of.strip()})
            return number

    async def answer(self, number: int, *, text: str, choice: str = "", actor: str) -> Released:
        """What the asked person says becomes part of the story; with a `choice` it decides the hold, which goes on."""
        if not text.strip() and not choice:
            raise Refused("An empty answer says nothing.")
        async with self._database.transaction() as tx:
            asked = await talk.question(tx, number, lock=True)
            if asked is None:
                raise Unknown(f"There is no question Q-{number}.")
            if asked["answered_at"] is not None:
                raise Refused(f"Q-{number} was answered before, by {asked['answered_by']}.")
            if asked["asked_of"].casefold() != actor.casefold():
                raise Refused(f"Q-{number} asks {asked['asked_of']}; leave a comment on the hold instead.")
            await widen(tx)
            now = self._clock()
            await talk.answered(tx, number, text.strip(), choice, by=actor, now=now)
            await talk.say(tx, asked["hold_id"], "answer", actor, text.strip() or choice, now)
            await self._audit(tx, actor, "hold.answer", f"Q-{number}", {"choice": choice})
            if not choice:
                return Released(())
            hold = await self._open_hold(tx, asked["hold_id"])
            await holds.decide(tx, hold["subject"], question_of(hold), choice, reason=text, actor=actor, now=now)
            await self._did(tx, [hold], actor, because(f"decided: {choice}", text))
            await holds.end_answered(tx, hold["id"], now)
            return await self._release(tx, [hold["run_id"]])


def mentions(text: str) -> tuple[str, ...]:
    """The names that a text calls with an @, each once, in their order."""
    return tuple(dict.fromkeys(name.rstrip(".") for name in _MENTION.findall(text)))
