"""What the traps of delivery need: an account that people work in, and a hub that reads it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from tieout.testing.books import Books

from .delivery import Delivery


@pytest.fixture
async def delivery(books: Books) -> AsyncGenerator[Delivery, None]:
    """Ends with the law: received = done + held + ignored + in flight."""
    async with AsyncExitStack() as stack:
        delivery = Delivery(books, stack)
        await delivery.open()
        yield delivery
        assert await delivery.rows("select * from conservation where missing <> 0 or missing_minor <> 0") == []
