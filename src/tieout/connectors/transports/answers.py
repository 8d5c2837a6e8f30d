"""What comes from outside may have any shape: reading it succeeds, or tells that it cannot be understood."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from tieout.domain.problems import Transient

# What reading an answer raises that is not of the documented shape: a field is missing, a list stands for an object, a
# number is none, or it is nested deeper than anybody means it.
MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


@contextmanager
def readable(system: str) -> Generator[None, None, None]:
    """Around the reading of answers. Raises Transient for what cannot be understood: nothing was learnt from it."""
    try:
        yield
    except MISSHAPEN as wrong:
        raise Transient(f"an answer of {system} cannot be understood: {type(wrong).__name__} {wrong}"[:500]) from wrong
