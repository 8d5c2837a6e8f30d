"""Two workers and a vendor that counts, in virtual time: near the ideal, few refusals, deals hardly wait, the forecast is right."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import pytest
from tests.engine.virtual_time import Bucket, Fixed, Sliding, Story, Vendor, backfill, p95

from tieout.domain.limits.settings import LimitSettings

LINES = 800
STATED = LimitSettings(share=1, per_second=20)
VENDORS: list[Callable[[], Vendor]] = [
    lambda: Sliding(20, 1),
    lambda: Fixed(20, 1),
    lambda: Bucket(20, 4),
    lambda: Bucket(20, 20),
]
NAMES = ["20 in any second", "20 in each second", "20 a second, 4 saved up", "20 a second, 20 saved up"]


def against_ideal(story: Story, vendor: Vendor) -> float:
    return story.seconds * vendor.per_second / story.calls[True]


@pytest.mark.parametrize("settings", [LimitSettings(), STATED], ids=["unknown", "stated"])
@pytest.mark.parametrize("make", VENDORS, ids=NAMES)
def test_a_backfill_beside_deals(
    make: Callable[[], Vendor], settings: LimitSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = make()
    story = backfill(vendor, LINES, monkeypatch, settings)
    waits = (median(story.busy) / median(story.idle), p95(story.busy) / p95(story.idle))
    told = (against_ideal(story, vendor), story.refused, waits, story.forecast / story.seconds)
    assert against_ideal(story, vendor) <= 1.13, told
    assert story.refused <= 0.03, told
    assert waits[0] <= 1.25, told  # one in twenty meets a refusal
    assert waits[1] <= 1.9, told
    assert abs(story.forecast - story.seconds) <= 0.05 * story.seconds, told


@pytest.mark.parametrize(
    "make", [lambda: Fixed(100, 10), lambda: Sliding(300, 30)], ids=["100 in each 10 s", "300 in any 30 s"]
)
def test_a_vendor_that_counts_by_longer_times_is_found_out(
    make: Callable[[], Vendor], monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = make()
    story = backfill(vendor, 900, monkeypatch)
    assert against_ideal(story, vendor) <= 1.3
    assert story.refused <= 0.05
