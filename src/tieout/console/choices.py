"""The questions that only a person can answer, and the answers that a flow understands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tieout.domain.matching import OTHER


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
        case "invoice.vanished":
            return Question(
                "What shall become of its work?",
                (
                    Answer("propose", "Propose it again", "The same lines go to the ERP as a new draft."),
                    Answer("release", "Release the work", "Its entries are open again for the next billing."),
                ),
            )
        case "target.unknown":
            return Question(
                f"Is it in {facts['system']}?",
                (
                    Answer("there", "It is there", "Tieout goes on and does not send it again."),
                    Answer("not_there", "It is not there", "Tieout sends the same request once more."),
                ),
            )
        case _:
            return None


def _duplicate(facts: Mapping[str, str]) -> Question:
    known: dict[str, str] = json.loads(facts.get("choices", "{}"))
    same = [Answer(choice, text, "Tieout links the two; nothing is created.") for choice, text in known.items()]
    other = Answer(OTHER, f"None of these: “{facts['customer']}” is another company", "Tieout creates a new customer.")
    return Question(f"Is “{facts['customer']}” one of these customers?", (*same, other))


def _merged(facts: Mapping[str, str]) -> Question:
    return Question(
        "Which customer goes on in the ERP?",
        (
            Answer(
                "winner", facts["winner"], f"New invoices go to it; what “{facts['loser']}” owes stays where it is."
            ),
            Answer("loser", facts["loser"], "It goes on under the winner's name; the other one gets nothing new."),
        ),
    )
