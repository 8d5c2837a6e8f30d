"""Fields that people set in the hub in place of their source: said by whom and why, and taken back the same way."""

from __future__ import annotations

from typing import Any

from tieout.domain.documents.upcast import load
from tieout.domain.overriding import OVERRIDABLE, NotOverridable, is_money, overridden
from tieout.domain.routing import HoldRules
from tieout.engine.deeds import Deeds, OwnRequest, Refused, Released, Unknown
from tieout.store import documents, holds, overrides, routing
from tieout.store.database import Tx
from tieout.store.scope import widen


class Overrides(Deeds):
    """The source itself is never changed: the document shows the override in its trail until somebody withdraws it."""

    async def set(
        self, kind: str, key: str, field: str, value: Any, *, reason: str, actor: str, may_money: bool
    ) -> tuple[int, bool, Released]:
        """Its number, whether it waits for a second person, and the run that reads the document again when it does not.

        `may_money` says whether the actor has the right to set fields of money.
        """
        if not reason.strip():
            raise Refused("Say why: the reason stands beside the field wherever it is shown.")
        if is_money(field) and not may_money:
            raise Refused(f"{field} is money: setting it in the hub takes the role finance.")
        async with self._database.transaction() as tx:
            await self._possible(tx, kind, key, field, value)
            waiting = _waits(await routing.rules_in_force(tx), field)
            wanted = {
                "kind": kind,
                "key": key,
                "field": field,
                "value": value,
                "author": actor,
                "reason": reason.strip(),
            }
            if not waiting:
                await self._take_the_place(tx, wanted, actor)
            number = await overrides.add(tx, wanted, waiting=waiting, now=self._clock())
            await self._audit(tx, actor, "override.set", f"O-{number}", {**wanted, "waiting": waiting})
            if waiting:
                return number, True, Released(())
            return number, False, await self._read_again(tx, wanted, actor, _said(wanted))

    async def approve(self, number: int, *, actor: str) -> Released:
        """The second pair of eyes puts it in force; never the author's own."""
        async with self._database.transaction() as tx:
            found = await self._there(tx, number)
            if not found["waiting"]:
                raise Refused(f"O-{number} is in force already.")
            if found["author"].casefold() == actor.casefold():
                raise OwnRequest("Somebody else must approve your own override: the firm wants four eyes.")
            await self._possible(tx, found["kind"], found["key"], found["field"], found["value"])
            await self._take_the_place(tx, found, actor)
            await overrides.approve(tx, number, actor)
            await self._audit(tx, actor, "override.approve", f"O-{number}", {})
            return await self._read_again(tx, found, actor, f"{_said(found)} (by {found['author']})")

    async def withdraw(self, number: int, *, reason: str, actor: str) -> Released:
        """What the source says counts again."""
        if not reason.strip():
            raise Refused("Say why it is withdrawn: the reason stays in the books.")
        async with self._database.transaction() as tx:
            found = await self._there(tx, number)
            await overrides.withdraw(tx, number, actor=actor, why=reason.strip(), now=self._clock())
            await self._audit(tx, actor, "override.withdraw", f"O-{number}", {"reason": reason.strip()})
            if found["waiting"]:
                return Released(())
            return await self._read_again(tx, found, actor, f"override of {found['field']} withdrawn: {reason.strip()}")

    async def _there(self, tx: Tx, number: int) -> dict[str, Any]:
        found = await overrides.get(tx, number)
        if found is None:
            raise Unknown(f"There is no override O-{number}.")
        await widen(tx)
        if found["withdrawn_at"] is not None:
            raise Refused(f"O-{number} was withdrawn before, by {found['withdrawn_by']}: {found['withdrawn_why']}.")
        return found

    async def _possible(self, tx: Tx, kind: str, key: str, field: str, value: Any) -> None:
        """Raises Refused when the document with that field would not be one."""
        if kind not in OVERRIDABLE:
            raise Refused(
                f"Only {', '.join(sorted(OVERRIDABLE))} fields are set in the hub; a {kind} is corrected at its source."
            )
        stored = await documents.latest(tx, kind, key)
        if stored is None:
            raise Unknown(f"There is no {kind} {key}.")
        await widen(tx)
        try:
            overridden(load(kind, stored["schema_version"], stored["body"]), field, value)
        except NotOverridable as why:
            raise Refused(str(why)) from why

    async def _take_the_place(self, tx: Tx, wanted: dict[str, Any], actor: str) -> None:
        place = (wanted["kind"], wanted["key"], wanted["field"])
        await overrides.replace(tx, *place, actor=actor, why="a newer override takes its place", now=self._clock())

    async def _read_again(self, tx: Tx, wanted: dict[str, Any], actor: str, what: str) -> Released:
        run = await overrides.reader(tx, wanted["key"])
        if run is None:
            return Released(())
        await self._did(tx, await holds.of_subject(tx, run["flow"], run["subject"]), actor, what)
        return await self._release(tx, [run["id"]], finished=True)


def _waits(rules: HoldRules, field: str) -> bool:
    return rules.overrides_four_eyes == "always" or (rules.overrides_four_eyes == "money" and is_money(field))


def _said(wanted: dict[str, Any]) -> str:
    return f"override {wanted['field']} = {wanted['value']}: {wanted['reason']}"
