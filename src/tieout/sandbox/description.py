"""What the sandbox says about itself: addresses, credentials, and the hub's settings for each connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tieout.connectors.kantata.emulator import IN_PROGRESS, IN_SETUP, ON_HOLD
from tieout.sandbox.crm import ADMINISTRATOR, HUB, HUB_APP, PEOPLE_APP, Crm
from tieout.sandbox.ledgers import Ledgers
from tieout.sandbox.options import Bell
from tieout.sandbox.psa import HUB as PSA_HUB
from tieout.sandbox.psa import Psa

Json = dict[str, Any]
# Whatever the sandbox is asked, it does at once or not at all: after a lost answer nobody has to wait long.
_PATIENCE = {"timeout": 30, "settle": 35}
# The keys of statuses are each account's own.
_STATUSES = {"active_status": IN_PROGRESS, "tentative_status": IN_SETUP, "on_hold_status": ON_HOLD}


def erp_connection(entity: str) -> str:
    """The name of the hub's connection to an entity's ERP."""
    return f"erp-{entity.lower()}"


def systems(crm: Crm, psa: Psa, ledgers: Ledgers, urls: Mapping[str, str], bell: Bell | None) -> Json:
    """By connection: `url`, `kind`, `title`, `credentials`, `people`, `faults`, and `settings` of the hub's connection."""
    described = {"salesforce": _salesforce(crm, urls["salesforce"], bell), "kantata": _kantata(psa, urls["kantata"])}
    for entity in ledgers.clerks:
        name = erp_connection(entity)
        described[name] = _erp(ledgers, entity, urls[name])
    return {name: {**facts, "faults": f"{facts['url']}/_sandbox/faults"} for name, facts in described.items()}


def environment(systems: Mapping[str, Json]) -> dict[str, str]:
    """The settings of every connection as the hub's environment variables."""
    return {
        f"TIEOUT_CONNECTION_{name}_{setting}".upper().replace("-", "_"): str(value)
        for name, facts in systems.items()
        for setting, value in facts["settings"].items()
    }


def _salesforce(crm: Crm, url: str, bell: Bell | None) -> Json:
    app = {"client_id": HUB_APP, "client_secret": crm.app_secret}
    organization = crm.org.sessions.organization["Id"]
    people = [ADMINISTRATOR, *crm.sellers()]
    return {
        "kind": "salesforce",
        "title": "Salesforce",
        "url": url,
        "credentials": {**app, "username": HUB, "organization_id": organization},
        "people_app": {"client_id": PEOPLE_APP, "client_secret": crm.people_app_secret},
        "people": [{"login": each, "password": crm.password(each)} for each in people],
        "settings": {
            "url": url,
            **app,
            "organization_id": organization,
            **({"doorbell_secret": bell.token} if bell else {}),
        },
    }


def _kantata(psa: Psa, url: str) -> Json:
    token = psa.token(PSA_HUB)
    return {
        "kind": "kantata",
        "title": "Kantata",
        "url": url,
        "credentials": {"token": token, "username": PSA_HUB},
        "people": [{"login": each.email, "token": psa.token(each.email)} for each in psa.firm.people],
        "settings": {"url": url, "token": token, "web_url": url, **_STATUSES, **_PATIENCE},
    }


def _erp(ledgers: Ledgers, entity: str, url: str) -> Json:
    server = ledgers.server
    assert server is not None, "clerks come with their server"
    hub, clerk, admin = server.tenancy.hub(entity), server.tenancy.clerk(entity), server.tenancy.admin
    login = {"database": server.database, "user": hub.user, "password": hub.password}
    return {
        "kind": "tryton",
        "title": f"Tryton, {server.tenancy.companies[entity]}",
        "url": url,
        "direct_url": server.url,
        "credentials": login,
        "people": [{"login": each.user, "password": each.password} for each in (clerk, admin)],
        "settings": {
            "url": url,
            **login,
            "company": server.tenancy.companies[entity],
            "entity": entity,
            **({"web_url": ledgers.web_url} if ledgers.web_url else {}),
            **_PATIENCE,
        },
    }
