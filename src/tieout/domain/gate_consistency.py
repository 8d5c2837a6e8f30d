"""Where what a firm says of the people who must accept a contract cannot be, each contradiction with its place and its way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tieout.domain.choosing import choose
from tieout.domain.firm import ApprovalGate, Firm

# The path in the folder, what is wrong, and what to do.
Contradiction = tuple[tuple[str | int, ...], str, str]


def contradictions(firm: Firm) -> Iterator[Contradiction]:
    codes, currencies = {each.code for each in firm.entities}, {each.currency for each in firm.entities}
    for place, gate in enumerate(firm.approvals.gates):
        here = ("approvals", "gates", place)
        for entity in sorted(set(gate.entities) - codes):
            yield (*here, "entities"), f"there is no legal entity {entity}", _one_of(codes)
        for currency in sorted(set(gate.amount_above) - currencies):
            yield (
                (*here, "amount_above", currency),
                f"no legal entity keeps its books in {currency}",
                _one_of(currencies),
            )
        team = firm.holds.teams.get(gate.team)
        if team is None:
            yield (*here, "team"), f"there is no team {gate.team}", _one_of(firm.holds.teams)
            continue
        if len(team.people) < gate.people:
            what = f"{gate.team} has {len(team.people)} people, and {gate.people} must accept"
            yield (*here, "people"), what, "Name more people in the team, or ask for fewer."
        yield from _steps(firm, gate, here)
    names = [each.name for each in firm.approvals.gates]
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield ("approvals", "gates"), f"{name} is there twice", "Give each gate a name of its own."


def _steps(firm: Firm, gate: ApprovalGate, here: tuple[str | int, ...]) -> Iterator[Contradiction]:
    """Every step of an escalation names somebody who was not asked before."""
    asked = set(firm.holds.people(gate.team))
    for number, step in enumerate(gate.escalation):
        at = (*here, "escalation", number, "to")
        if step.to not in firm.holds.teams and "@" not in step.to:
            yield at, f"there is no team {step.to}", choose(step.to, firm.holds.teams)
            continue
        if asked.issuperset(firm.holds.people(step.to)):
            yield at, f"everybody in {step.to} was asked before", "Name a team with somebody else in it, or an address."
        asked |= set(firm.holds.people(step.to))


def _one_of(known: Iterable[str]) -> str:
    return f"Say one of: {', '.join(sorted(known))}."
