"""The questions that only a person can answer, and the answers that a flow understands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tieout.domain.matching import OTHER
from tieout.flows.credit_notes import AGAIN, WRITE_OFF
from tieout.flows.crediting import CREDIT, NET
from tieout.flows.drafts_still_there import RELEASE


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the word the flow reads, and what a person reads."""

    choice: str
    title: str
    consequence: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and every answer to it."""

    asks: str
    answers: tuple[Answer, ...]


def question(code: str, facts: Mapping[str, str]) -> Question | None:
    """The question of a problem, or None where no answer of ours ends it."""
    asked = {
        "customer.possible_duplicate": _duplicate,
        "customer.merged": _merged,
        "change.revenue": _revenue,
        "invoice.vanished": _vanished,
        "billing.negative": _negative,
        "billing.credited": _credited,
    }
    return asked[code](facts) if code in asked else None


def limit(code: str, facts: Mapping[str, str]) -> str:
    """The limit that work waits above, where a problem is about one: what waits there can be written off."""
    return facts.get("about", "") if code in ("billing.over_cap", "billing.to_write_off") else ""


def _duplicate(facts: Mapping[str, str]) -> Question:
    known: dict[str, str] = json.loads(facts.get("choices", "{}"))
    same = [Answer(choice, text, "Tieout links the two; nothing is created.") for choice, text in known.items()]
    other = Answer(OTHER, f"None of these: “{facts['customer']}” is another company", "Tieout creates a new customer.")
    return Question(f"Is “{facts['customer']}” one of these customers?", (*same, other))


def _negative(facts: Mapping[str, str]) -> Question:
    second = "Somebody else of finance agrees; then a draft is in the ERP, and finance posts it."
    return Question(
        f"What becomes of {facts['amount']}?",
        (
            Answer(
                NET, "Net it on the next invoice", "Nothing is drafted now; the corrections come with the next cut-off."
            ),
            Answer(CREDIT, "Draft a credit note", second),
        ),
    )


def _credited(facts: Mapping[str, str]) -> Question:
    return Question(
        f"What becomes of the {facts['hours']} hours that {facts['credit']} took back?",
        (
            Answer(AGAIN, "Bill them again", "They come with the next cut-off."),
            Answer(WRITE_OFF, "Write them off", "They are never billed, and no longer open."),
        ),
    )


def _revenue(facts: Mapping[str, str]) -> Question:
    done = "Nothing is changed by it: what finance booked stands in the ERP."
    asks = f"Has finance decided what version {facts['version']} means for revenue?"
    return Question(asks, (Answer("booked", "Yes, it is decided and booked", done),))


def _vanished(facts: Mapping[str, str]) -> Question:
    again = "Its entries are open again and come with the next billing of the project."
    return Question(f"Is invoice {facts['invoice']} off?", (Answer(RELEASE, "Yes, release its work", again),))


def _merged(facts: Mapping[str, str]) -> Question:
    known = "Both customers stay in the ERP as they are; nothing is merged there."
    return Question(
        "Has finance seen both ledgers?", (Answer("seen", f"Yes, new invoices go to “{facts['winner']}”", known),)
    )
