"""The questions that only a person can answer, and the answers that a flow understands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tieout.domain.matching import OTHER
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
    match code:
        case "customer.possible_duplicate":
            return _duplicate(facts)
        case "customer.merged":
            return _merged(facts)
        case "change.revenue":
            done = "Nothing is changed by it: what finance booked stands in the ERP."
            return Question(
                f"Has finance decided what version {facts['version']} means for revenue?",
                (Answer("decided", "Yes, it is decided and booked", done),),
            )
        case "invoice.vanished":
            again = "Its entries are open again and come with the next billing of the project."
            return Question(f"Is invoice {facts['invoice']} off?", (Answer(RELEASE, "Yes, release its work", again),))
        case _:
            return None


def _duplicate(facts: Mapping[str, str]) -> Question:
    known: dict[str, str] = json.loads(facts.get("choices", "{}"))
    same = [Answer(choice, text, "Tieout links the two; nothing is created.") for choice, text in known.items()]
    other = Answer(OTHER, f"None of these: “{facts['customer']}” is another company", "Tieout creates a new customer.")
    return Question(f"Is “{facts['customer']}” one of these customers?", (*same, other))


def _merged(facts: Mapping[str, str]) -> Question:
    known = "Both customers stay in the ERP as they are; nothing is merged there."
    return Question(
        "Has finance seen both ledgers?", (Answer("seen", f"Yes, new invoices go to “{facts['winner']}”", known),)
    )
