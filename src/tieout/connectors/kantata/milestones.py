"""Milestones as they change: tasks of that type, how far the customer has accepted each, and since when (T39).

A completed milestone is accepted. A firm whose customers accept in part names a number field of its tasks that says how much,
in percent; progress (`percentage_complete`) is no acceptance. A milestone that needs information is on hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from tieout.connectors.contract import Change, Page, Reading
from tieout.connectors.kantata import mapping
from tieout.connectors.kantata.client import Envelope, KantataClient, Row, step
from tieout.connectors.kantata.config import KantataConfig
from tieout.connectors.kantata.people import people
from tieout.connectors.kantata.reading import changed, unreadable
from tieout.connectors.transports.answers import MISSHAPEN
from tieout.domain.identity import Ref
from tieout.domain.problems import Misconfigured

_EVERYWHERE = {
    "show_archived": "true", "show_deleted": "true", "show_from_archived_workspaces": "true",
    "include": "custom_field_values",
}  # fmt: skip
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far milestones and the values of their field have been read, and where a sweep stands that is going on."""

    milestones: str = ""
    values: str = ""
    offset: int = 0
    mark: str = ""

    @classmethod
    def parse(cls, text: str | None) -> Cursor:
        return cls(**json.loads(text)) if text else cls()

    def __str__(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class _Known:
    """What stands around a page of milestones: changes of state and accepted share of each, by its id, and people."""

    steps: Mapping[str, Sequence[Row]]
    shares: Mapping[str, Row | None]
    people: Mapping[str, Row]


class Milestones:
    """Reads the milestones of one account."""

    def __init__(self, client: KantataClient, config: KantataConfig) -> None:
        self._client = client
        self._config = config
        self._overlap = timedelta(seconds=config.overlap)

    async def changes(self, since: str | None) -> Page:
        """One page of milestones in the order of their creation; with the last one, those whose accepted share was changed."""
        cursor = Cursor.parse(since)
        after = {"updated_after": cursor.milestones} if cursor.milestones else {}
        page = await self._client.list(
            "stories", **after, **_EVERYWHERE, story_type="milestone", order="created_at:asc", limit=_PAGE,
            offset=cursor.offset,
        )  # fmt: skip
        found = await self._told(page)
        last = cursor.offset + len(page.rows) >= page.count or not page.rows
        if cursor.offset == 0:
            # What changes from now on, while further pages are read, belongs to the next sweep.
            mark = max((changed(each, page) for each in page.rows), default="")
            cursor = replace(cursor, mark=mark if last else await self._newest())
        if not last:
            return Page(found, str(replace(cursor, offset=cursor.offset + step(page))), more=True)
        told, values = await self._by_share(cursor)
        whole = {(each.ref.id, each.version): each for each in [*found, *told]}
        milestones = max(cursor.milestones, mapping.before(cursor.mark, self._overlap))
        return Page(list(whole.values()), str(Cursor(milestones, values)), more=False)

    async def look(self, ref: Ref) -> Change | None:
        found = await self._told(await self._client.list("stories", only=ref.id, **_EVERYWHERE))
        return found[0] if found else None

    async def read(self, ref: Ref) -> Reading | None:
        page = await self._client.list("stories", only=ref.id, **_EVERYWHERE)
        if not page.rows:
            return None
        full, version = self._joined(page.rows[0], page, await self._known(page))
        values, trail = mapping.values_of(full, mapping.MILESTONE)
        return Reading(mapping.milestone(ref, values, version), version, trail)

    async def _by_share(self, cursor: Cursor) -> tuple[list[Change], str]:
        """The milestones whose share was changed, which need not touch them, and how far that is read now."""
        name = self._config.accepted_share
        if not name:
            return [], ""
        after = {"updated_after": cursor.values} if cursor.values else {}
        if not after:
            await self._insist(name)
        values = [
            each
            for each in await self._client.all("custom_field_values", **after, subject_type="Story")
            if each["custom_field_name"] == name
        ]
        page = await self._client.by_ids("stories", (str(each["subject_id"]) for each in values), **_EVERYWHERE)
        rows = [each for each in page.rows if each["story_type"] == "milestone"]
        newest = max((mapping.stamp(each["updated_at"]) for each in values), default="")
        return await self._told(replace(page, rows=rows)), max(cursor.values, mapping.before(newest, self._overlap))

    async def _insist(self, name: str) -> None:
        """Raises Misconfigured when the account's tasks have no such field: every share would be silently whole."""
        fields = await self._client.all("custom_fields", for_subject_type="Story")
        if name not in {each["name"] for each in fields}:
            raise Misconfigured(f"accepted_share: tasks have no custom field “{name}”", self._client.name)

    async def _newest(self) -> str:
        page = await self._client.list(
            "stories", **_EVERYWHERE, story_type="milestone", order="updated_at:desc", per_page=1
        )
        return mapping.stamp(page.rows[0]["updated_at"]) if page.rows else ""

    async def _told(self, page: Envelope) -> list[Change]:
        """One that cannot be understood is told as such, and is no reason to leave the others of its page alone."""
        known = await self._known(page)
        found: list[Change] = []
        for each in page.rows:
            try:
                found.append(self._change(*self._joined(each, page, known)))
            except MISSHAPEN as wrong:
                found.append(unreadable(Ref(self._client.name, "milestone", str(each["id"])), each, page, wrong))
        return found

    def _change(self, full: Row, version: str) -> Change:
        values, _ = mapping.values_of(full, mapping.MILESTONE)
        label = mapping.MILESTONE.label
        record = {**mapping.plain(values), "source_version": version, "mapping": label}
        ref = Ref(self._client.name, "milestone", str(full["id"]))
        return Change(ref, version, record, deleted=values["state"] == "deleted")

    async def _known(self, page: Envelope) -> _Known:
        steps = await self._steps(str(each["id"]) for each in page.rows if each["state"] != "not started")
        shares = {str(each["id"]): self._share(each, page) for each in page.rows}
        deciders = [str(one["user_id"]) for of in steps.values() for one in of]
        deciders += [str(each["setter_id"]) for each in shares.values() if each]
        return _Known(steps, shares, await people(self._client, deciders, self._config.personnel_service))

    def _joined(self, milestone: Row, page: Envelope, known: _Known) -> tuple[Row, str]:
        """The milestone with its acceptance, and the version of that."""
        steps, share = known.steps.get(str(milestone["id"]), ()), known.shares[str(milestone["id"])]
        full = mapping.accepted_milestone(milestone, steps, share, known.people)
        return full, mapping.milestone_version(milestone, steps, share, full)

    async def _steps(self, ids: Iterable[str]) -> Mapping[str, Sequence[Row]]:
        """The changes of state of each, the earliest first."""
        wanted, found = sorted(set(ids)), dict[str, list[Row]]()
        if wanted:
            for each in await self._client.all("story_state_changes", story_id=",".join(wanted)):
                found.setdefault(str(each["story_id"]), []).append(each)
        return {story: sorted(of, key=_moment) for story, of in found.items()}

    def _share(self, milestone: Row, page: Envelope) -> Row | None:
        held = (page.one("custom_field_values", each) for each in milestone.get("custom_field_value_ids") or ())
        return next((each for each in held if each and each["custom_field_name"] == self._config.accepted_share), None)


def _moment(change: Row) -> tuple[Any, int]:
    return mapping.instant(change["created_at"]), int(change["id"])
