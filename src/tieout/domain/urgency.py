"""How urgent what waits is: the money that waits, over the time that is left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from tieout.domain.money import Money

# A hold without an amount still matters: it ranks as if this much waited.
LEAST = Decimal(1000)


def urgency(waiting: Iterable[Money], due_at: datetime, now: datetime) -> Decimal:
    """Money per hour that is left; what is overdue or due within the hour counts as one hour. The largest comes first.

    Amounts of several currencies are added as plain figures here, for the order of a list and for nothing else.
    """
    left = max(Decimal(str((due_at - now).total_seconds())) / 3600, Decimal(1))
    return max(sum((each.amount for each in waiting), Decimal(0)), LEAST) / left
