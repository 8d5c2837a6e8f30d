"""Where what a firm says of the people who must accept a contract cannot be, each contradiction with its place and its way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tieout.domain.firm import Firm

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
        people = {each.casefold() for each in (*team.members, team.lead) if each}
        if len(people) < gate.people:
            what = f"{gate.team} has {len(people)} people, and {gate.people} must accept"
            yield (*here, "people"), what, "Name more people in the team, or ask for fewer."
    names = [each.name for each in firm.approvals.gates]
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield ("approvals", "gates"), f"{name} is there twice", "Give each gate a name of its own."


def _one_of(known: Iterable[str]) -> str:
    return f"Say one of: {', '.join(sorted(known))}."
