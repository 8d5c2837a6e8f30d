"""Four things are told at once and all else in a digest, once per cause, in words that hold nothing secret or personal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.domain.consistency import faults
from tieout.domain.documents.package import RateCard, RateCardVersion
from tieout.domain.firm import ConnectionSettings, Firm, LegalEntity, ValueTable
from tieout.domain.money import Money
from tieout.domain.notices.decision import Said, Standing, word
from tieout.domain.notices.message import Message
from tieout.domain.notices.wording import SENTENCES, Words, owners
from tieout.domain.notification import ChannelSettings, Digest, NotificationRule, Selection
from tieout.domain.problems import CATALOGUE, facts_of
from tieout.domain.routing import HoldRules, Team

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
HUB = "https://tieout.acme.example"


def firm_with(**more: Any) -> Firm:
    card = RateCardVersion(version=1, valid_from=NOW.date(), rates={"Principal": Decimal(340)})
    return Firm(
        name="Acme",
        entities=(LegalEntity(code="US", name="Acme Inc.", currency="USD"),),
        connections={
            role: ConnectionSettings(kind="any", role=role)  # pyright: ignore[reportArgumentType]
            for role in ("crm", "psa", "erp")
        },
        owners={"finance operations": "Anna Fischer <anna.fischer@acme.example>"},
        channels={"mail": ChannelSettings(kind="email")},
        rate_cards=(RateCard(key="US", name="US 2026", entity="US", currency="USD", versions=(card,)),),
        tables=(ValueTable(name="practice_department", purpose="department"),),
        **more,
    )


def rule_with(**more: Any) -> NotificationRule:
    return NotificationRule(**{"name": "finance", "channel": "mail", "cadence": "at_once", **more})


def holds(count: int, reason: Any = "unowned", code: str = "value.missing", **more: Any) -> Standing:
    facts = {"table": "practice_department", "value": "Cloud", "entity": "US"}
    values = {"since": NOW, "first": 20417, "due_at": NOW + timedelta(hours=3), "facts": facts, "unowned": count}
    return Standing("cause", reason, count, code=code, **{**values, **more})


def said(count: int, reason: Any = "unowned", minutes: int = 60) -> Said:
    return Said(reason, count, (), NOW - timedelta(minutes=minutes))


# -- when there is something to say


def test_what_is_not_urgent_is_not_told_at_once() -> None:
    assert word(holds(3, reason=None), None, edits=True, now=NOW) is None
    assert word(holds(3), None, edits=False, now=NOW) == "opened"


@pytest.mark.parametrize(
    ("before", "count", "edits", "heard"),
    [
        (said(2), 2, True, None),
        (said(2), 3, True, "changed"),
        (said(2, minutes=0), 3, True, None),  # not more than once a minute
        (said(2), 19, False, None),
        (said(2), 20, False, "changed"),
        (said(2, reason="promise"), 3, False, None),
    ],
)
def test_a_cause_that_grows_changes_its_message_or_is_told_again_when_it_is_ten_times_as_large(
    before: Said, count: int, edits: bool, heard: str | None
) -> None:
    assert word(holds(count), before, edits=edits, now=NOW) == heard


def test_a_promise_that_is_about_to_break_is_told_even_where_its_cause_was_told_before() -> None:
    assert word(holds(2, reason="promise"), said(2), edits=False, now=NOW) == "changed"
    assert word(holds(2, reason="promise"), said(2, reason="promise"), edits=False, now=NOW) is None


def test_the_end_is_told_only_where_the_first_message_can_be_changed() -> None:
    assert word(None, said(2), edits=True, now=NOW) == "ended"
    assert word(None, said(2), edits=False, now=NOW) is None
    assert word(None, None, edits=True, now=NOW) is None


@given(st.lists(st.integers(min_value=1, max_value=2000), min_size=2))
def test_a_channel_that_cannot_edit_hears_a_growing_cause_at_most_four_times_until_two_thousand(
    counts: list[int],
) -> None:
    heard: list[int] = []
    for i, count in enumerate(sorted(counts)):
        at = NOW + timedelta(hours=i)
        before = Said("unowned", heard[-1], (), at - timedelta(hours=1)) if heard else None
        if word(holds(count), before, edits=False, now=at):
            heard.append(count)
    assert len(heard) <= 4
    assert all(later >= 10 * earlier for earlier, later in pairwise(heard))


# -- the hour of a digest


@pytest.mark.parametrize(
    ("now", "at", "day"),
    [
        ("2026-11-26T07:30:00Z", "2026-11-26T07:00:00+00:00", "2026-11-26"),  # 08:00 in Berlin
        ("2026-11-26T06:59:00Z", None, None),  # yesterday's would be too late by now
        ("2026-11-25T19:01:00Z", None, None),
        ("2026-03-29T06:00:00Z", "2026-03-29T06:00:00+00:00", "2026-03-29"),  # summer time has begun
        ("2026-10-25T07:00:00Z", "2026-10-25T07:00:00+00:00", "2026-10-25"),
    ],
)
def test_a_digest_is_due_at_its_hour_in_the_reader_s_zone(now: str, at: str | None, day: str | None) -> None:
    digest = Digest(at="08:00", zone="Europe/Berlin")
    found = digest.newest(datetime.fromisoformat(now))
    assert (found.isoformat() if found else None) == at
    assert found is None or digest.day(found) == day


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Kiritimati", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("at", ["00:00", "01:30", "02:30", "08:00", "23:59"])
def test_every_day_of_a_year_has_exactly_one_digest_whatever_the_clocks_do(zone: str, at: str) -> None:
    digest = Digest(at=at, zone=zone)
    now, days = datetime(2026, 1, 1, tzinfo=UTC), dict[str, datetime]()
    while now < datetime(2027, 1, 1, tzinfo=UTC):
        found = digest.newest(now)
        if found is not None:
            assert days.setdefault(digest.day(found), found) == found
        now += timedelta(minutes=30)
    assert 365 <= len(days) <= 366


# -- the words


def written(standing: Standing, **rule: Any) -> Message:
    reason = standing.reason or "unowned"
    return Words(firm_with(), HUB, rule_with(**rule)).notice("opened", standing, reason, NOW)


def test_a_notice_says_what_how_much_until_when_and_whose_it_is() -> None:
    message = written(holds(17, amounts=(Money.of("1204500.00", "USD"),), owner="finance master data"))
    assert message.title == "Due soon and nobody has it: The value table practice_department lacks a value for US"
    assert message.lines == (
        "17 holds, 1,204,500.00 USD.",
        "The first is due Thu 26 Nov 15:00 UTC.",
        "It belongs to finance master data; nobody has taken it.",
    )
    assert message.link == f"{HUB}/holds/H-20417"
    assert message.figures is not None
    assert message.figures["amounts"] == [{"amount": "1204500.00", "currency": "USD"}]


def test_a_rule_can_keep_amounts_out_of_its_messages() -> None:
    message = written(holds(17, amounts=(Money.of("1204500.00", "USD"),)), amounts=False)
    assert "1,204,500" not in str(message.body())
    assert "1204500" not in str(message.body())


def test_an_unknown_outcome_and_a_silent_source_are_told_with_their_system() -> None:
    unknown = Standing("effect", "unknown", 2, NOW, facts={"system": "erp", "operation": "invoice.propose"})
    assert written(unknown).title == "Outcome unknown: invoice.propose in erp"
    silent = Standing("silent", "silence", 1, NOW, facts={"system": "psa"})
    assert written(silent).title == "Silent source: psa cannot be read"
    assert written(silent).link == f"{HUB}/systems/psa"


def test_a_digest_tells_causes_with_their_sums_and_is_never_long() -> None:
    many = [holds(2, amounts=(Money.of(100, "USD"), Money.of(50, "EUR")), first=i) for i in range(30)]
    message = Words(firm_with(), HUB, rule_with()).digest(many, 4, "2026-11-26")
    assert message.title == "60 holds waiting, 2026-11-26"
    assert message.lines == (
        "60 holds, 3,000.00 USD and 1,500.00 EUR, for 30 causes.",
        "4 holds ended in the last 24 hours.",
        "These are the first 20 causes.",
    )
    assert len(message.items) == 20
    assert message.items[1].link == f"{HUB}/holds/H-1"


CANARIES = (
    "Priya Raman",
    "priya.raman@acme.example",
    "xoxb-1234-secret",
    "hunter2",
    "Globex, Data Platform",
    "DE89370400440532013000",
    "+49 151 1234567",
    "https://crm.example/006",
    "<script>alert(1)</script>",
)


@pytest.mark.parametrize("code", [*CATALOGUE, "a.code_of_tomorrow"])
@pytest.mark.parametrize("canary", CANARIES)
def test_no_fact_of_a_hold_gets_into_a_message_unless_the_firm_folder_has_the_word(code: str, canary: str) -> None:
    names = {*(facts_of(CATALOGUE[code]) if code in CATALOGUE else ()), *("table", "entity", "system", "card", "role")}
    spoilt = holds(3, code=code, facts=dict.fromkeys(names, canary), owner=f"the owner of {canary}")
    words = Words(firm_with(), HUB, rule_with())
    told = [
        words.notice("opened", spoilt, "unowned", NOW),
        words.notice("changed", spoilt, "promise", NOW),
        words.digest([spoilt], 0, "2026-11-26"),
        words.notice(
            "opened", Standing("e", "unknown", 1, NOW, facts=dict(spoilt.facts, operation=canary)), "unknown", NOW
        ),
    ]
    for message in told:
        assert canary not in str(message.body())


def test_the_canary_would_be_seen() -> None:
    """The facts that are words of the folder do get in: the test above looks where they would be."""
    assert "practice_department" in str(written(holds(3)).body())
    assert "Principal" in written(holds(1, code="time.rate_missing", facts={"role": "Principal", "card": "x"})).title


def test_every_sentence_is_about_a_problem_of_the_catalogue() -> None:
    assert set(SENTENCES) <= set(CATALOGUE)


def test_nobody_who_answers_for_something_is_named_but_teams() -> None:
    assert "the owner of erp" in owners(firm_with())
    assert not any("@" in each or "Anna" in each for each in owners(firm_with()))


# -- the rules of a firm folder


@pytest.mark.parametrize(
    ("rule", "place", "what"),
    [
        ({"channel": "mial"}, "channel", "there is no channel “mial”"),
        ({"cadence": "digest"}, "digest", "nothing says when the digest is sent"),
        ({"digest": Digest(at="08:00", zone="Europe/Berln")}, "digest.zone", "“Europe/Berln” is not a time zone"),
        ({"to": ("sales operations",)}, "to[0]", "the folder has no e-mail address for “sales operations”"),
        ({"to": ("anna@acme, bob@acme",)}, "to[0]", "“anna@acme, bob@acme” is not an e-mail address"),
        ({"holds": Selection(codes=("value.mising",))}, "holds.codes[0]", "no problem has the code “value.mising”"),
        ({"holds": Selection(entities=("DE",))}, "holds.entities[0]", "“DE” is not a legal entity of the firm"),
        ({"holds": Selection(owners=("finance",))}, "holds.owners[0]", "no hold is ever owned by “finance”"),
        (
            {"holds": Selection(amount_above={"EUR": Decimal(1)})},
            "holds.amount_above.EUR",
            "no legal entity keeps its books in EUR",
        ),
    ],
)
def test_a_rule_that_cannot_work_is_found_with_its_place(rule: dict[str, Any], place: str, what: str) -> None:
    (fault,) = faults(firm_with(notifications=(rule_with(**rule),)))
    assert str(fault).startswith(f"notifications[0].{place}: {what}. ")


def test_a_channel_has_a_name_of_its_own() -> None:
    (fault,) = faults(firm_with().model_copy(update={"channels": {"psa": ChannelSettings(kind="email")}}))
    assert str(fault) == "channels.psa: a connection is called psa too. Give the channel another name."


def test_two_rules_of_one_name_are_a_mistake() -> None:
    (fault,) = faults(firm_with(notifications=(rule_with(), rule_with())))
    assert fault.path == ("notifications", 1, "name")


def test_a_team_is_written_to_at_the_address_under_owners_and_nobody_twice() -> None:
    rule = rule_with(to=("finance operations", "anna.fischer@acme.example", "bob@acme.example"))
    firm = firm_with(notifications=(rule,))
    assert faults(firm) == []
    assert firm.recipients(rule) == ["anna.fischer@acme.example", "bob@acme.example"]


def test_a_team_that_owns_holds_is_written_to_as_its_people() -> None:
    team = Team(members=("bob@acme.example",), lead="carla@acme.example")
    rule = rule_with(to=("fmd-emea",), holds=Selection(owners=("fmd-emea",)))
    firm = firm_with(notifications=(rule,), holds=HoldRules(teams={"fmd-emea": team}))
    assert faults(firm) == []
    assert firm.recipients(rule) == ["bob@acme.example", "carla@acme.example"]
