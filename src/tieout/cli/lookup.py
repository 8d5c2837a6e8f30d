"""`lookup`: any id of any system, key, number or name leads to the thing it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tieout.cli.exits import Exit, stop
from tieout.cli.speech import AsJson, document, line, table

if TYPE_CHECKING:
    from tieout.store.database import Tx
    from tieout.store.dossier import DocumentPage
    from tieout.store.lookup import Hit

# ruff: noqa: PLC0415 - a command imports what it needs when it is called


def add_to(app: typer.Typer) -> None:
    app.command(epilog="Example: tieout lookup 006Hs00001AbCdEQAV")(lookup)


def lookup(
    anything: Annotated[str, typer.Argument(metavar="ID", help="Of any system; or a key, a number, a name, H-20401.")],
    as_json: AsJson = False,
) -> None:
    """Where is it? Says what an id belongs to and where that stands in every system. Ends with 1 when nothing has it."""
    from tieout.cli.desk import looked_up
    from tieout.store import dossier
    from tieout.store.lookup import find

    async def read(tx: Tx) -> tuple[list[Hit], list[DocumentPage | None]]:
        hits = await find(tx, anything)
        return hits, [await dossier.document_page(tx, each.kind, each.key) for each in hits[:1]]

    hits, pages = looked_up(read)
    if not hits:
        fix = "Check its spelling; what arrived a moment ago may need a sweep."
        raise stop(Exit.PROBLEM, f"Nothing here has the id “{anything}”.", fix=fix)
    if as_json:
        document([{**_hit(each), **(_page(pages[0]) if n == 0 else {})} for n, each in enumerate(hits)])
        return
    for each in hits:
        line(f"{each.kind} {each.key}  {each.title}  ({each.because})")
    if pages[0] is not None:
        _print(pages[0])


def _hit(hit: Hit) -> dict[str, Any]:
    return {"kind": hit.kind, "key": hit.key, "title": hit.title, "because": hit.because}


def _page(page: DocumentPage | None) -> dict[str, Any]:
    if page is None:
        return {}
    from tieout.cli.amounts import totals

    return {
        "body": page.body,
        "records": [
            {"system": each["connection"], "role": each["role"], "id": each["record_id"], "alias": each["alias"]}
            for each in page.records
        ],
        "related": [_hit(each) for each in page.related],
        "holds": [f"H-{each['id']}" for each in page.holds if each["state"] == "open"],
        "invoices": [each["number"] or each["key"] for each in page.invoices],
        "money": totals(page.money),
    }


def _print(page: DocumentPage) -> None:
    from tieout.cli.amounts import for_people

    if page.records:
        table(
            ("system", "role", "id"),
            [
                (each["connection"], each["role"], each["record_id"] + (" (earlier)" if each["alias"] else ""))
                for each in page.records
            ],
        )
    for each in page.related:
        line(f"→ {each.kind} {each.key}  {each.title}")
    for each in page.holds:
        if each["state"] == "open":
            line(f"waits: H-{each['id']}  {each['title']}  ({each['owner']})")
    for each in page.money:
        line(
            f"{each.entity or '—'} {each.currency}: booked {for_people(each.booked, each.currency)}, "
            f"approved {for_people(each.approved, each.currency)}, billed {for_people(each.billed_net, each.currency)}, "
            f"paid {for_people(each.paid, each.currency)}"
        )
