"""History cannot be changed without it showing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tieout.domain.evidence.chain import whole_hash
from tieout.store import audit
from tieout.store.database import rows
from tieout.testing.books import Books

pytestmark = pytest.mark.anyio


async def written(books: Books) -> list[dict[str, Any]]:
    async with books.database.transaction() as tx:
        for n in range(5):
            now = books.now() + timedelta(seconds=n)
            await audit.append(tx, "anna@kestrel.example", "hold.assign", f"H-{n}", {"to": "Jürgen", "n": n}, now)
        return await rows(tx, "select * from audit order by id")


async def test_an_untouched_chain_is_right_whatever_the_server_s_time_zone(books: Books) -> None:
    log = await written(books)
    async with books.database.transaction() as tx:
        await tx.execute("set local time zone 'Asia/Kolkata'")
        found = await audit.verify(tx)
    assert (found.entries, found.first_bad, found.head) == (len(log), None, log[-1]["hash"])


TAMPERING = {
    "changed": ('update audit set detail = \'{"to": "somebody else"}\' where id = {third}', "third"),
    "backdated": ("update audit set at = at - interval '1 day' where id = {third}", "third"),
    "deleted": ("delete from audit where id = {third}", "fourth"),
    "truncated at its beginning": ("delete from audit where id < {third}", "third"),
    "slipped in": (
        "insert into audit (at, actor, action, object, detail, previous, hash) "
        "select at, actor, action, object, detail, previous, hash from audit where id = {third}",
        "new",
    ),
    "swapped": (
        "update audit a set object = b.object from audit b where (a.id, b.id) in (({third}, {fourth}), ({fourth}, {third}))",
        "third",
    ),
}


@pytest.mark.parametrize("how", TAMPERING)
async def test_tampering_is_found_at_its_first_entry(books: Books, how: str) -> None:
    log = await written(books)
    places = {"third": log[2]["id"], "fourth": log[3]["id"], "new": log[-1]["id"] + 1}
    sql, first = TAMPERING[how]
    for name, place in places.items():
        sql = sql.replace("{" + name + "}", str(place))
    async with books.database.transaction() as tx:
        await tx.execute(sql)
        assert (await audit.verify(tx)).first_bad == places[first]


async def test_entries_of_the_first_version_stay_right_and_the_chain_goes_on_behind_them(books: Books) -> None:
    log = await written(books)
    async with books.database.transaction() as tx:
        previous = ""
        for each in log:
            hash_ = whole_hash(previous, each["at"], each["actor"], each["action"], each["object"], each["detail"])
            await tx.execute(
                "update audit set content = null, previous = %s, hash = %s where id = %s", (previous, hash_, each["id"])
            )
            previous = hash_
        await audit.append(tx, "anna@kestrel.example", "hold.assign", "H-9", {}, books.now())
        assert (await audit.verify(tx)).first_bad is None
        await tx.execute("update audit set actor = 'bob' where id = %s", (log[2]["id"],))
        assert (await audit.verify(tx)).first_bad == log[2]["id"]


async def test_a_chain_that_was_cut_short_shows_by_the_newest_hash_alone(books: Books) -> None:
    log = await written(books)
    async with books.database.transaction() as tx:
        await tx.execute("delete from audit where id = %s", (log[-1]["id"],))
        found = await audit.verify(tx)
    assert found.first_bad is None
    assert found.head != log[-1]["hash"]


async def test_the_log_is_listed_by_who_what_and_about_what(books: Books) -> None:
    await written(books)
    async with books.database.transaction() as tx:
        newest = await audit.entries(tx, action="hold.", limit=2)
        older = await audit.entries(tx, action="hold.", before=newest[-1]["id"], limit=2)
        assert [each["object"] for each in newest + older] == ["H-4", "H-3", "H-2", "H-1"]
        assert await audit.entries(tx, actor="nobody") == []
        assert len(await audit.entries(tx, object_="H-2")) == 1
