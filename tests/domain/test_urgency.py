"""More money and less time come first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tieout.domain.money import Money
from tieout.domain.urgency import LEAST, urgency

NOW = datetime(2026, 11, 16, 9, 12, tzinfo=UTC)


def test_more_money_and_less_time_rank_higher() -> None:
    def of(amount: str, hours: int) -> Decimal:
        return urgency([Money.of(amount, "USD")], NOW + timedelta(hours=hours), NOW)

    assert of("200000", 4) > of("100000", 4) > of("100000", 8)
    assert of("100000", -50) == of("100000", 1)
    assert urgency([], NOW + timedelta(hours=1), NOW) == LEAST
