"""What one customer is billed at a cut-off for several engagements becomes one draft in the ERP, read back line by line (T43, T52)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tieout.domain.consolidating import (
    Asked,
    by_payer,
    is_as_drafted,
    left_out,
    lines_differ,
    still_deciding,
    sums_differ,
)
from tieout.domain.firm import Firm
from tieout.domain.identity import Ref, spelled
from tieout.domain.money import Money
from tieout.domain.problems import Conflict, Problem
from tieout.domain.proposal import differences
from tieout.engine.rounds import Start
from tieout.engine.run import Run, flow
from tieout.store import consolidated
from tieout.store.database import Tx
from tieout.systems.consolidated import Gathered
from tieout.systems.erp import Erp
from tieout.systems.systems import Systems


@flow(version=1, title="Proposals of a customer → one invoice", errand="billing")
async def consolidated_invoice(run: Run, systems: Systems) -> None:
    books, key, version = systems.consolidated, run.subject, int(run.version.partition(".")[0])
    gathered = await run.step("see what is on the document", books.gather, key, version)
    if gathered is None:
        run.ignore("there is a newer version of it, or nothing on it")
    invoice = gathered.invoice
    await run.about(title=f"invoice {key}", entity=invoice.legal_entity, amount=Money(invoice.net, invoice.currency))
    erp = systems.erp(invoice.legal_entity)
    customer = await erp.known_customer(invoice.customer)
    if customer is None:
        raise Conflict(f"{erp.name} does not know {invoice.customer} yet")
    if gathered.unsettled is not None:
        before = await books.as_of(key, gathered.unsettled)
        assert before is not None, "a version that was sent had something on it"
        title = f"find out what became of version {gathered.unsettled}"
        await run.step(title, erp.propose_together, before, version=gathered.unsettled, customer=customer)
        gathered = await books.gather(key, version)
        assert gathered is not None, "nobody else works on this document"
    if 0 < gathered.drafted < version:
        await make_room(run, systems, erp, gathered)
    made = await run.step("draft invoice in the ERP", erp.propose_together, invoice, version=version, customer=customer)
    link = erp.link(Ref(erp.name, "invoice", made.id))
    without = await books.left_out(key, systems.firm.payers)
    run.warn([incomplete(key, each, link) for each in without])
    await run.hold(differences(invoice, made.answer, link=link))
    told = await run.step("read it back", erp.look_at_invoice, made.id)
    if told is not None and told.record is not None:
        await run.hold([*sums_differ(invoice, told.record, link=link), *lines_differ(invoice, told.record, link=link)])


async def make_room(run: Run, systems: Systems, erp: Erp, gathered: Gathered) -> None:
    """Takes the draft back for a version with more on it. One that finance has booked, or has changed, stays as it is:
    whoever came too late is on the next document."""
    key, record = gathered.invoice.key, gathered.record
    # One that may be gone by our own hand is neither looked at nor asked about.
    if not await erp.is_taking_back(key):
        there = await run.step("look at the draft", erp.look_at_invoice, record)
        if there is None or there.record is None:
            run.ignore("the draft is gone: whoever looks for drafts asks what becomes of its work")
        as_it_was = gathered.there is not None and is_as_drafted(gathered.there, there.record)
        if there.record["state"] != "draft" or not as_it_was:
            await leave(run, systems, key)
    if not await run.step("take the draft back", erp.take_back_draft, key, version=gathered.drafted, record=record):
        await leave(run, systems, key)


async def leave(run: Run, systems: Systems, key: str) -> None:
    another = await run.step("leave it, and go on with the next document", systems.consolidated.move_on, key)
    run.ignore(f"finance has it; {another or 'nothing'} has what came later")


def incomplete(key: str, without: Asked, link: str) -> Problem:
    """For finance, before it posts."""
    facts = {"invoice": key, "deal": without.name, "engagement": without.engagement, "link": link}
    return Problem("invoice.incomplete", facts)


async def to_draft(tx: Tx, firm: Firm, *, but: Collection[tuple[str, str]]) -> list[Start]:
    """The documents that are to be drafted, or drafted anew: no engagement that could stand on one is just being decided.

    `but` are legal entities and periods whose engagements are only now asked for.
    """
    starts: list[Start] = []
    asked: dict[str, Mapping[str, Sequence[Asked]]] = {}
    for each in await consolidated.wanted(tx):
        key, head = each["key"], consolidated.head_of(each)
        if (head.legal_entity, head.period) in but:
            continue
        if head.period not in asked:
            asked[head.period] = by_payer(await consolidated.asked(tx, head.period), firm.payers)
        if still_deciding(head, asked[head.period]):
            continue
        without = [one.engagement for one in left_out(head, asked[head.period])]
        # The same content is looked at anew when another engagement is left out, and when none is any more.
        mark = spelled(*without) if without else each["incomplete"]
        version = f"{each['version']}.{mark}" if mark else str(each["version"])
        starts.append(Start(consolidated_invoice.name, key, version, key))
    return starts
