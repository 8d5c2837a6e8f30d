"""People travel for their projects, claim what they paid, and the leads decide and look again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tieout.sandbox.story.travelling import TRIPS

pytestmark = pytest.mark.anyio


async def test_everybody_claims_what_they_paid_once_and_the_lead_corrects_one_after_its_approval(stage: Any) -> None:
    await stage.play_with_projects(date(2026, 10, 30))
    expenses = {each["notes"]: each for each in await stage.hub.all("expenses", from_archived_workspaces="true")}
    assert set(expenses) == {each.paid.words for each in TRIPS}
    assert all(each["approved"] for each in expenses.values())
    london, boston = expenses["Two nights in London"], expenses["Train to Boston and back"]
    assert (london["amount_in_cents"], london["currency"]) == (55_414, "USD")
    assert london["foreign_exchange_amount"] == {"source_value": "412.00", "source_currency": "GBP"}
    assert (boston["amount_in_cents"], boston["receipt_id"] is not None) == (19_320, True)
    assert boston["updated_at"][:10] == "2026-10-28"
    assert len(stage.acts("came back from")) == len(TRIPS)


async def test_who_was_cut_off_after_claiming_does_not_claim_again(stage: Any) -> None:
    await stage.play_with_projects(date(2026, 10, 14))
    forgotten = [key for key in stage.story.journal._by_key if key.startswith("trip/")]
    assert len(forgotten) == 1
    del stage.story.journal._by_key[forgotten[0]]
    await stage.play_with_projects(date(2026, 10, 15))
    notes = [each["notes"] for each in await stage.hub.all("expenses")]
    assert notes.count("Two nights in London") == 1
