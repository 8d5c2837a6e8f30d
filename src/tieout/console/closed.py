"""Which months a ledger has closed, in words for those who bill (T21)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from tieout.console import wording
from tieout.domain.posting import is_closed, periods_of, posting_day


def closed_months(ledger: Mapping[str, Any], today: date) -> Iterator[str]:
    """The months that are billed about now and that the ERP has closed, and the day on which it takes a posting (T21)."""
    health: Mapping[str, Any] = ledger["health"] or {}
    periods = periods_of(health.get("periods") or ())
    posted = posting_day(periods, today)
    when = f"is posted on {wording.day(posted)}" if posted else "can be posted once finance opens a later month"
    for month in (today.replace(day=1) - timedelta(days=1), today):
        if is_closed(periods, month):
            yield f"{month:%B %Y} is closed in {ledger['name']}: what is billed of it now {when}, and the work keeps its days."
