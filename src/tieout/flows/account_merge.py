"""Two accounts became one in the CRM: the alias is kept for ever, and ledgers are never merged behind finance's back (T01)."""

from __future__ import annotations

from tieout.domain.documents.customer import Customer
from tieout.domain.identity import Ref, business_key
from tieout.domain.problems import Problem
from tieout.engine.run import Run, flow
from tieout.systems.systems import Systems


@flow(version=1, title="Merged account → alias, both ledgers shown", starts_on=("crm", "account_merge"))
async def account_merge(run: Run, systems: Systems) -> None:
    loser = Ref.parse(run.subject)
    merged = run.messages[-1]
    winner = Ref(loser.connection, "account", merged.merged_into or "")
    loser_key = await known_key(systems, Ref(loser.connection, "account", loser.id))
    winner_key = await known_key(systems, winner)
    register, name = systems.register, str((merged.record or {}).get("name", loser.id))
    ledgers = await both_ledgers(systems, loser_key, winner_key)
    await run.about(title=f"{name} merged")
    await run.step(
        "remember the alias", register.merge, "customer", loser.connection, loser.id, winner.id, loser_key, winner_key
    )
    stays = await register.latest(Customer, winner_key)
    if stays is not None and name not in (stays.name, *stays.aliases):
        stays = stays.model_copy(update={"aliases": (*stays.aliases, name)})
        await register.save(stays, entity=None, engagement=None)
    if ledgers and await run.decision(f"customer.merged:{loser_key}") is None:
        facts = {"loser": name, "winner": stays.name if stays else winner.id, "ledgers": "; ".join(ledgers)}
        link = systems.crm(loser.connection).link(winner)
        run.warn([Problem("customer.merged", {**facts, "link": link, "about": loser_key})])


async def known_key(systems: Systems, account: Ref) -> str:
    """The key that an account is known by; its own when nobody has met it yet."""
    known = await systems.register.key_of("customer", account.connection, account.id)
    return known or business_key("CUS", account)


async def both_ledgers(systems: Systems, loser: str, winner: str) -> list[str]:
    """The ERPs in which both are customers, with the two records."""
    found: list[str] = []
    if loser == winner:
        return found
    for entity in systems.firm.entities:
        erp = systems.erp(entity.code)
        records = [await erp.known_customer(key) for key in (loser, winner)]
        if all(records):
            found.append(f"{entity.name}: {loser} is record {records[0]}, {winner} is record {records[1]}")
    return found
