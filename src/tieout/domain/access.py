"""Who may do what: one reviewed table of roles and verbs, and nothing else decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["viewer", "delivery", "operator", "finance", "engineer"]
Verb = Literal[
    "look",
    "audit.read",
    "hold.assign",
    "hold.snooze",
    "hold.ignore",
    "hold.decide",
    "hold.comment",
    "question.answer",
    "override.set",
    "override.money",
    "override.approve",
    "run.replay",
    "plan.approve",
    "approval.answer",
    "credit.decide",
    "work.write_off",
    "cost.match",
    "usage.send",
    "value.set",
    "value.approve",
    "connection.pause",
    "connection.resume",
    "access.manage",
]
# What a field tells of, where not everybody may see it in what leaves the hub.
Field = Literal["people", "money"]
ROLES: tuple[Role, ...] = get_args(Role)
VERBS: tuple[Verb, ...] = get_args(Verb)

_EVERYBODY = frozenset(ROLES)
# Delivery works on holds and sees hours, and no money: neither what work is sold for, nor what anything costs.
_HELPING = frozenset[Role](("delivery", "operator", "finance", "engineer"))
_WORKING = frozenset[Role](("operator", "finance", "engineer"))
_BUSINESS = frozenset[Role](("operator", "finance"))

# Beside this table, nobody answers their own request: the operator verbs and the database both refuse it.
MAY: Mapping[Verb, frozenset[Role]] = {
    "look": _EVERYBODY,
    "audit.read": frozenset(("finance", "engineer")),
    "hold.assign": _HELPING,
    "hold.snooze": _HELPING,
    "hold.ignore": _BUSINESS,
    "hold.decide": _BUSINESS,
    "hold.comment": _HELPING,
    # Whoever is asked may answer, and nobody else: the verb itself knows who that is.
    "question.answer": _EVERYBODY,
    "override.set": _BUSINESS,
    "override.money": frozenset(("finance",)),
    "override.approve": frozenset(("finance",)),
    "run.replay": _WORKING,
    "plan.approve": frozenset(("finance", "engineer")),
    "approval.answer": frozenset(("finance",)),
    "credit.decide": frozenset(("finance",)),
    "work.write_off": frozenset(("finance",)),
    "cost.match": frozenset(("finance",)),
    "usage.send": _WORKING,
    "value.set": _BUSINESS,
    "value.approve": frozenset(("finance",)),
    "connection.pause": frozenset(("engineer",)),
    "connection.resume": frozenset(("engineer",)),
    "access.manage": frozenset(("engineer",)),
}

# Questions whose answer moves money: to decide them takes this right, and not that of any hold.
DECIDES: Mapping[str, Verb] = {"billing.negative": "credit.decide", "billing.credited": "credit.decide"}

SEES: Mapping[Field, frozenset[Role]] = {"people": _HELPING, "money": _EVERYBODY - {"delivery"}}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who is signed in. `email` is the identity that goes into the books; `name` is for people to read.

    `entities` are the legal entities whose books they see and work on; None is every one, and the firm as a whole.
    """

    name: str
    email: str
    roles: frozenset[Role]
    entities: frozenset[str] | None = None

    def may(self, verb: Verb) -> bool:
        return bool(MAY[verb] & self.roles)

    def described(self) -> str:
        """The roles, and whose books they are for: finance of DE."""
        roles = ", ".join(sorted(self.roles))
        return roles if self.entities is None else f"{roles} of {', '.join(sorted(self.entities))}"

    def sees(self, field: Field) -> bool:
        return bool(SEES[field] & self.roles)


def to_decide(code: str) -> Verb:
    """The right that it takes to answer a hold of this code."""
    return DECIDES.get(code, "hold.decide")


def who_may(verb: Verb) -> str:
    """The roles that carry a right, in words: what a refused person asks for."""
    return " or ".join(role for role in ROLES if role in MAY[verb])


def roles_of(names: Iterable[str]) -> frozenset[Role]:
    """Raises ValueError for a role that the table does not know."""
    wanted = set(names)
    unknown = sorted(wanted - set(ROLES))
    if unknown or not wanted:
        raise ValueError(f"roles are some of {', '.join(ROLES)}" + (f", not {', '.join(unknown)}" if unknown else ""))
    return frozenset(role for role in ROLES if role in wanted)
