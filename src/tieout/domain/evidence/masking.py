"""Takes out of a pack what its reader may not see, before it is sealed."""

from __future__ import annotations

from tieout.domain.access import Actor
from tieout.domain.evidence.facts import Facts

_PEOPLE = "who worked, who approved and what they noted: people stand under numbers"
_LOG = "what the audit entries say: they stand with their digests"


def masked(facts: Facts, reader: Actor) -> Facts:
    """The facts for a reader: people under numbers where the reader's roles do not show them (`access.SEES`).

    A number means one person throughout the pack and nothing beyond it. What work costs is nowhere in a pack, for anybody.
    """
    withheld: list[str] = [] if reader.may("audit.read") else [_LOG]
    if reader.sees("people"):
        return facts.model_copy(update={"withheld": tuple(withheld)})
    numbers: dict[str, str] = {}

    def number(name: str) -> str:
        return numbers.setdefault(name, f"person {len(numbers) + 1}") if name else ""

    lines = tuple(
        line.model_copy(
            update={
                "entries": tuple(
                    each.model_copy(
                        update={
                            "person": number(each.person),
                            "person_name": "",
                            "approved_by": number(each.approved_by),
                            "notes": "",
                            "digest": "",
                        }
                    )
                    for each in line.entries
                )
            }
        )
        for line in facts.lines
    )
    approvals = tuple(
        each.model_copy(
            update={name: number(getattr(each, name)) for name in ("requested_by", "decided_by", "on_behalf_of")}
        )
        for each in facts.approvals
    )
    return facts.model_copy(update={"lines": lines, "approvals": approvals, "withheld": (*withheld, _PEOPLE)})
