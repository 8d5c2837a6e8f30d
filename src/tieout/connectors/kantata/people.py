"""Who the users of an account are: by personnel number, the only name that all systems share."""

from __future__ import annotations

from collections.abc import Iterable

from tieout.connectors.kantata import mapping
from tieout.connectors.kantata.client import KantataClient, Row


async def people(client: KantataClient, ids: Iterable[str], service: str) -> dict[str, Row]:
    """{person, name} by user id; `service` is the external reference that carries personnel numbers."""
    wanted = set(ids)
    if not wanted:
        return {}
    users = await client.by_ids("users", wanted, include="external_references")
    references = users.maps.get("external_references", {})
    return {each["id"]: mapping.person_of(each, references, service) for each in users.rows}
