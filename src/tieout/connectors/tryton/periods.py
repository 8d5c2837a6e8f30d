"""Which months of the company are closed: Tryton refuses a posting into one that is closed or locked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tieout.connectors.tryton.books import Books
from tieout.connectors.tryton.errors import Refusal, TrytonUserError
from tieout.domain.posting import Period

PERIOD = "account.period"
_BACK = timedelta(days=400)


async def periods(books: Books) -> list[Period]:
    """Of the last year and of what is to come, the earliest first; none where the user's groups may not read them."""
    company = await books.company()
    domain: list[list[Any]] = [["company", "=", company.id], ["type", "=", "standard"]]
    if books.client.server_time is not None:
        domain.append(["end_date", ">=", books.client.server_time.date() - _BACK])
    try:
        rows = await books.client.search(
            PERIOD, domain, ["start_date", "end_date", "state"], order=[("start_date", "ASC")]
        )
    except TrytonUserError as refused:
        if refused.refusal is not Refusal.ACCESS:
            raise
        return []
    return [Period(each["start_date"], each["end_date"], each["state"] == "open") for each in rows]
