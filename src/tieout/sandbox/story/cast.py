"""Everybody at their desks, and the hours at which they do what they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path

import httpx2

from tieout.connectors.tryton.client import TrytonClient
from tieout.sandbox.clock import StoryClock
from tieout.sandbox.crm import PEOPLE_APP, Crm
from tieout.sandbox.psa import Psa
from tieout.sandbox.story.accepting import Acceptances
from tieout.sandbox.story.appointments import Appointments
from tieout.sandbox.story.books import Auditor
from tieout.sandbox.story.consultants import Consultants
from tieout.sandbox.story.delivery import Delivery
from tieout.sandbox.story.desks import SalesDesk, WorkDesk
from tieout.sandbox.story.finance import Finance
from tieout.sandbox.story.journal import Journal
from tieout.sandbox.story.paper import Paper
from tieout.sandbox.story.play import Slot, Story
from tieout.sandbox.story.sales import Sales
from tieout.sandbox.story.travelling import Travellers
from tieout.sandbox.tryton.clerk import FinanceClerk


@dataclass(frozen=True, slots=True)
class Office:
    """The doors that people of the firm use: HTTP clients of the two applications, and clerks by legal entity."""

    crm: httpx2.AsyncClient
    psa: httpx2.AsyncClient
    clerks: Mapping[str, FinanceClerk]
    ledgers: Mapping[str, TrytonClient]


def cast(
    crm: Crm,
    psa: Psa,
    office: Office,
    clock: StoryClock,
    *,
    seed: int,
    journal: Path | None = None,
    played: Path | None = None,
) -> tuple[Story, Auditor]:
    """The story with everybody in it, and somebody who reads the books."""
    firm = crm.firm
    written = Journal(journal, clock)
    app = PEOPLE_APP, crm.people_app_secret
    sales_desks = {
        each: SalesDesk(office.crm, clock.tick, app=app, username=each, password=crm.password(each))
        for each in crm.sellers()
    }
    work_desks = {each.number: WorkDesk(office.psa, clock.tick, token=psa.token(each.email)) for each in firm.people}
    consultants = Consultants(firm, work_desks, written, seed)
    delivery = Delivery(firm, work_desks, written)
    travellers = Travellers(firm, work_desks, written)
    slots = [
        Slot(time(8, 30), delivery.staff),
        Slot(time(9, 15), consultants.correct),
        Slot(time(10, 0), Sales(firm, sales_desks, written).act),
        Slot(time(10, 30), Paper(firm, sales_desks, written).act),
        Slot(time(16, 0), Finance(firm, office.clerks, written).act),
        Slot(time(17, 0), consultants.book),
        Slot(time(17, 5), Appointments(firm, work_desks, written).keep),
        Slot(time(17, 15), travellers.claim),
        Slot(time(17, 30), consultants.submit),
        Slot(time(18, 30), delivery.decide),
        Slot(time(18, 45), travellers.decide),
        Slot(time(19, 0), Acceptances(firm, work_desks, written).act),
    ]
    story = Story(firm, clock, written, slots, state=played)
    reader = firm.lead(firm.entities[0].code).number
    seller = firm.seller(firm.entities[0].code).email
    return story, Auditor(story, sales_desks[seller], work_desks[reader], office.ledgers)
