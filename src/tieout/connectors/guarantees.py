"""What the hub promises of each write, as a page for people in finance: made from what the connectors declare.

`python -m tieout.connectors.guarantees docs/guarantees.md` writes the published one.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from tieout.connectors.catalogue import CATALOGUE
from tieout.connectors.contract import Claim, ConnectorSpec, Guarantee, Operation

_CLASSES: Mapping[Guarantee, tuple[str, str, str]] = {
    Guarantee.KEY: (
        "The system remembers a number that we send along, and answers the second request with the result of the first.",
        "The same request is sent again, with the same number, as long as the system surely remembers it. After that it is "
        "treated like D, or like E where the system cannot be searched.",
        "None while the number is remembered.",
    ),
    Guarantee.UPSERT: (
        "The system writes under a key of ours, or over a record that we name: doing it again changes nothing.",
        "The same request is sent again.",
        "None: repeated, it says the same.",
    ),
    Guarantee.UNIQUE: (
        "The system refuses a second record with the same key of ours.",
        "The same request is sent again. “There is one already” counts as success once that record has been read.",
        "None: the system itself stops the second one.",
    ),
    Guarantee.LOOK_UP: (
        "The system takes a second record, but it can be searched for our reference.",
        "The hub waits until the lost request can no longer arrive, then looks. Only when nothing is there does it send "
        "again; later it looks once more, and a second record becomes a hold that names both.",
        "A request that stays on its way for longer than the wait makes a second record. It is found and shown, "
        "not prevented.",
    ),
    Guarantee.NONE: (
        "The system offers none of these.",
        "It is never sent again by itself. A person gets a hold with the moment of the sending and a digest of what was sent, "
        "and says whether it arrived.",
        "Whatever the person decides.",
    ),
}
_MONEY = {
    Claim.UNTOUCHED: "nobody owes more or less",
    Claim.DRAFTED: "a draft: it counts once a person posts it",
    Claim.MOVED: "**at once**",
}

_PROMISES = """\
# What Tieout guarantees

For people in finance, and for whoever has to answer to them. This page is made from the code (`python -m
tieout.connectors.guarantees docs/guarantees.md`), and a test keeps the two alike. What is broken on purpose to prove it is in
the [fault benches](../faults/README.md).

## The promises

1. **What we acknowledged is kept.** Once a system or a person has been told that something arrived, no crash and no power cut
   loses it.
2. **Each thing happens at most once in each system**, whatever is repeated, late, out of order or interrupted, within the class
   of the operation (below).
3. **Nothing is dropped silently.** Whatever came in is done, waits for a named owner with a reason, or was ignored with a
   reason. A sum over all of it is kept and must come to zero.
4. **Cents are conserved.** What came in is what was accepted, held and ignored; what is billable is what was invoiced and what
   was not yet. To the cent, per currency.
5. **One bad record stops only itself**, and one system that is away stops only what needs it.
6. **Every figure of an invoice leads back** to the person, the project, the approval, the rate and the version of the contract
   it came from.

## When an answer is lost

A request was sent and no answer came that can be believed: the line broke, the system was restarted, a page of HTML came
instead of data. Then the work may be done or not done, and **nobody knows**. That is not a failure. The hub writes down what it
sends before it sends it, and marks the outcome as unknown. What it does next depends on what the system offers, and each write
of each system has one of five classes:

| class | what the system offers | what the hub does when the outcome is unknown | what risk is left |
|---|---|---|---|
"""

_RULES = """\

The rules around it:

- The key of a write comes from the business (which invoice, which version), never from the moment or from chance.
- An error in the words of the system, such as a locked period, is no lost answer. It becomes a hold with the system's own
  words.
- A system that says “too many requests” has done nothing; the hub waits and tries again.
- **Money never moves on trust.** A write that makes, changes or settles a claim at once must have class A, B or C. A connector
  whose write moves money with class D or E is refused by `tieout check` and when the hub starts, and there is no exception. A
  draft may have class D: it counts only once a person has posted it.
- The hub itself posts nothing: finance posts ([why](decisions/0004-finance-posts.md)).
"""

_NOT_PROMISED = """\

## What we do not promise

- **That a message is delivered exactly once.** Nobody can. We promise what is there in the end.
- **That nothing is ever done twice in class D.** If a system carries out a request after the wait above is over, there are two
  records. The hub finds and shows the second one; a person takes it away.
- **That a correction can always be undone.** Where the tables say *cannot be undone*, the only way is forward.
- **What people change in the systems themselves.** The hub reads it and compares it; it does not prevent it.
- **That prices, taxes and revenue are right.** The hub computes them to compare, never to post. The ERP decides.
- **That an asynchronous standby has the last seconds.** After a failover to one, the hub reads the systems again to find what
  the database forgot.
- **That a system tells the truth.** An answer that says “done” in that system's own form is believed, until the hub reads back
  something else.
"""


def page(specs: Iterable[ConnectorSpec] = tuple(CATALOGUE.values())) -> str:
    """The whole page, as its file holds it."""
    return "\n".join([_PROMISES.rstrip("\n"), *_classes(), _RULES.rstrip("\n"), *_systems(specs), _NOT_PROMISED])


def _classes() -> Iterator[str]:
    for guarantee, (offers, does, risk) in _CLASSES.items():
        yield f"| **{guarantee.value}** | {offers} | {does} | {risk} |"


def _systems(specs: Iterable[ConnectorSpec]) -> Iterator[str]:
    yield "\n## Each write of each system"
    yield "\nThe wait of class D and the memory of class A are settings of the connection where the vendor does not say them."
    for spec in specs:
        yield f"\n### {spec.title}\n"
        yield "| write | class | makes | money | how a person takes it back |"
        yield "|---|---|---|---|---|"
        for operation in spec.writes.values():
            yield _row(operation)


def _row(operation: Operation) -> str:
    what = f"{operation.does} (`{operation.name}`)"
    undo = operation.undo or "*cannot be undone*"
    return (
        f"| {what} | {operation.guarantee.value}{_horizon(operation)} | {operation.creates or 'nothing new'} "
        f"| {_MONEY[operation.money]} | {undo} |"
    )


def _horizon(operation: Operation) -> str:
    """How long a key of class A is surely remembered."""
    return f", {operation.horizon / timedelta(hours=1):g} h" if operation.guarantee is Guarantee.KEY else ""


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")
