"""The sales script: which deals Kestrel works on in these weeks, and what happens to each of them on which day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

QUALIFIED, PROPOSED, NEGOTIATED = "Qualification", "Proposal/Price Quote", "Negotiation/Review"
WON, LOST = "Closed Won", "Closed Lost"
# The day before the story: what is dated so stands in the org when the curtain rises.
EVE = date(2026, 9, 30)

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Deal:
    """What a seller knows when the deal is entered; `facts` are fields beyond those that every deal has.

    `hours` replaces the package's budget of the tasks it names. `account` is the customer's name in the CRM.
    """

    key: str
    name: str
    account: str
    entity: str
    package: str
    start: date
    end: date
    closes: date
    entered: date = EVE
    stage: str = PROPOSED
    facts: Facts = field(default_factory=dict[str, Any])
    hours: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens to a deal: `facts` are written to the opportunity, `hours` to its lines by task."""

    on: date
    deal: str
    did: str
    facts: Facts = field(default_factory=dict[str, Any])
    hours: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])


@dataclass(frozen=True, slots=True)
class AccountStep:
    """Something that happens to accounts: one is entered a second time, or two are made one."""

    on: date
    act: Literal["enter twice", "merge"]
    original: str
    duplicate: str


def _oct(day: int) -> date:
    return date(2026, 10, day)


def _nov(day: int) -> date:
    return date(2026, 11, day)


DEALS: Sequence[Deal] = (
    Deal("globex-data", "Globex Data Foundation", "Globex Corporation", "US", "DATA-FOUNDATION",
         start=_oct(5), end=date(2027, 1, 29), closes=_oct(1), stage=NEGOTIATED),
    Deal("nordwind-close", "Nordwind Close Accelerator", "Nordwind Logistik GmbH", "DE", "CLOSE-ACCELERATOR",
         start=_oct(5), end=date(2026, 12, 18), closes=_oct(2), stage=NEGOTIATED),
    # Won in a hurry: nobody said until when, nor who leads it.
    Deal("initech-cloud", "Initech Cloud Migration", "Initech LLC", "US", "CLOUD-MIGRATION",
         start=_oct(8), end=date(2026, 12, 18), closes=_oct(5), stage=NEGOTIATED,
         facts={"Expected_End_Date__c": None, "Project_Manager_Email__c": None, "Practice__c": None}),
    # A child of Umbra Health Systems, which buys for itself two days later, and wants a purchase order on every invoice.
    Deal("umbra-labs-close", "Umbra Labs Close Accelerator", "Umbra Labs", "US", "CLOSE-ACCELERATOR",
         start=_oct(8), end=date(2026, 12, 18), closes=_oct(6), facts={"PO_Required__c": True}),
    # Above what may be sold without finance.
    Deal("umbra-data", "Umbra Health Data Foundation", "Umbra Health Systems", "US", "DATA-FOUNDATION",
         start=_oct(12), end=date(2027, 3, 26), closes=_oct(8), stage=NEGOTIATED,
         hours={"Discovery": Decimal(100), "Data model": Decimal(300), "Pipelines": Decimal(500), "Reporting": Decimal(300)}),
    # Ten hours a month are paid ahead; the customer asks for more of them.
    Deal("umbra-retainer", "Umbra Health Data Retainer", "Umbra Health Systems", "US", "DATA-RETAINER",
         start=_oct(5), end=date(2027, 1, 4), closes=_oct(2), stage=NEGOTIATED),
    # A fixed fee, most of it due when the customer accepts the report.
    Deal("nordwind-check", "Nordwind Data Health Check", "Nordwind Logistik GmbH", "DE", "HEALTH-CHECK",
         start=_oct(6), end=date(2026, 11, 27), closes=_oct(5), stage=NEGOTIATED),
    # A practice that has no department in the ledger. Nobody in the story decides which.
    Deal("bergmann-change", "Bergmann Change Sprint", "Bergmann Maschinenbau AG", "DE", "CHANGE-SPRINT",
         start=_oct(19), end=date(2026, 12, 4), closes=_oct(13)),
    # The signed paper says Net 30, the CRM says Net 14.
    Deal("nordwind-cloud", "Nordwind Cloud Migration", "Nordwind Logistik GmbH", "DE", "CLOUD-MIGRATION",
         start=_oct(19), end=date(2027, 1, 22), closes=_oct(14), stage=QUALIFIED,
         facts={"Signed_Payment_Terms__c": "Net 30"}),
    # Sold to an account that somebody entered although Globex was there already; quoted twice, and won by the second (paper.py).
    Deal("globex-close", "Globex Close Accelerator", "Globex Corp.", "US", "CLOSE-ACCELERATOR",
         start=_oct(19), end=date(2027, 1, 15), closes=_oct(15), entered=_oct(9)),
    Deal("bergmann-data", "Bergmann Data Foundation", "Bergmann Maschinenbau AG", "DE", "DATA-FOUNDATION",
         start=_oct(26), end=date(2027, 2, 26), closes=_oct(19), entered=_oct(6), stage=QUALIFIED),
    Deal("initech-data", "Initech Data Foundation", "Initech LLC", "US", "DATA-FOUNDATION",
         start=_nov(2), end=date(2027, 2, 26), closes=_oct(16), entered=_oct(2), stage=QUALIFIED),
    # Still being worked on when the story ends.
    Deal("globex-cloud", "Globex Cloud Migration", "Globex Corporation", "US", "CLOUD-MIGRATION",
         start=date(2027, 1, 11), end=date(2027, 4, 30), closes=date(2026, 12, 11), stage=QUALIFIED),
    Deal("bergmann-close", "Bergmann Close Accelerator", "Bergmann Maschinenbau AG", "DE", "CLOSE-ACCELERATOR",
         start=date(2027, 1, 11), end=date(2027, 4, 30), closes=date(2026, 12, 18), stage="Prospecting"),
)  # fmt: skip

STEPS: Sequence[Step] = (
    Step(_oct(1), "globex-data", "won", {"StageName": WON}),
    Step(_oct(2), "nordwind-close", "won", {"StageName": WON}),
    Step(_oct(2), "umbra-retainer", "won", {"StageName": WON}),
    Step(_oct(5), "initech-cloud", "won", {"StageName": WON}),
    Step(_oct(5), "nordwind-check", "won", {"StageName": WON}),
    Step(_oct(5), "umbra-labs-close", "negotiated", {"StageName": NEGOTIATED}),
    Step(_oct(6), "umbra-labs-close", "won", {"StageName": WON}),
    Step(_oct(7), "initech-cloud", "completed the facts of", {
        "Expected_End_Date__c": "2026-12-18",
        "Project_Manager_Email__c": "david.lindqvist@kestrel.example",
        "Practice__c": "Cloud Platforms",
    }),
    Step(_oct(7), "nordwind-cloud", "proposed", {"StageName": PROPOSED}),
    Step(_oct(8), "umbra-data", "won", {"StageName": WON}),
    # More pipelines after the signature: what was sold grows, the contract only by the change order of two days later.
    Step(_oct(12), "globex-data", "added hours to", hours={"Pipelines": Decimal(240)}),
    Step(_oct(12), "nordwind-cloud", "negotiated", {"StageName": NEGOTIATED}),
    Step(_oct(13), "bergmann-change", "won", {"StageName": WON}),
    Step(_oct(14), "nordwind-cloud", "won", {"StageName": WON}),
    Step(_oct(15), "bergmann-data", "negotiated", {"StageName": NEGOTIATED}),
    Step(_oct(16), "initech-data", "lost", {"StageName": LOST}),
    Step(_oct(19), "bergmann-data", "won", {"StageName": WON}),
    Step(_oct(21), "bergmann-data", "reopened", {"StageName": NEGOTIATED}),
    Step(_oct(23), "bergmann-data", "won again", {"StageName": WON}),
    Step(_nov(3), "nordwind-cloud", "corrected the payment terms of", {"Payment_Terms__c": "Net 30"}),
    Step(_nov(4), "umbra-labs-close", "entered the PO number of", {"PO_Number__c": "PO-UL-20417"}),
)  # fmt: skip

ACCOUNT_STEPS: Sequence[AccountStep] = (
    AccountStep(_oct(9), "enter twice", original="Globex Corporation", duplicate="Globex Corp."),
    AccountStep(_oct(22), "merge", original="Globex Corporation", duplicate="Globex Corp."),
)


def deal(key: str) -> Deal:
    return next(each for each in DEALS if each.key == key)
