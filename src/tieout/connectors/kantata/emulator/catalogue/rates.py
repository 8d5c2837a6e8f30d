"""Rate cards: a set has versions by date; a card is the set in one currency, and has for each version a rate per role."""

from __future__ import annotations

from tieout.connectors.kantata.emulator.filters import TIMES, equal
from tieout.connectors.kantata.emulator.schema import NO_DELETE, Collection, many, one
from tieout.connectors.kantata.emulator.wire import day, flag, identifier, text, whole

RATES = (
    Collection(
        "rate_card_sets",
        "rate_card_set",
        "RateCardSet",
        shown=("title", "account_default", "active_currencies", "created_at", "updated_at"),
        writes={"title": text, "account_default": flag},
        required={"title": "Please give the rate card set a title"},
        associations=(
            many("rate_cards", "rate_cards", "rate_card_ids", via="rate_card_set_id"),
            many(
                "rate_card_set_versions", "rate_card_set_versions", "rate_card_set_version_ids", via="rate_card_set_id"
            ),
        ),
        filters=TIMES,
        orders=("title", "created_at", "updated_at"),
        order="title:asc",
        search=("title",),
        verbs=NO_DELETE,
    ),
    Collection(
        "rate_card_set_versions",
        "rate_card_set_version",
        "RateCardSetVersion",
        shown=("active", "effective_date", "created_at", "updated_at"),
        writes={"rate_card_set_id": identifier, "effective_date": day, "active": flag},
        required={"rate_card_set_id": "Please say which rate card set"},
        associations=(
            one("rate_card_set", "rate_card_sets"),
            many("rate_card_versions", "rate_card_versions", "rate_card_version_ids", via="rate_card_set_version_id"),
        ),
        filters={**TIMES, "rate_card_set_id": equal("rate_card_set_id")},
        orders=("effective_date", "created_at", "updated_at"),
        verbs=NO_DELETE,
    ),
    Collection(
        "rate_cards",
        "rate_card",
        "RateCard",
        shown=("currency", "uses", "created_at", "updated_at"),
        writes={"rate_card_set_id": identifier, "currency": text},
        required={"rate_card_set_id": "Please say which rate card set", "currency": "Please choose a currency"},
        associations=(
            one("rate_card_set", "rate_card_sets"),
            many("rate_card_versions", "rate_card_versions", "rate_card_version_ids", via="rate_card_id"),
        ),
        filters={**TIMES, "currency": equal("currency"), "rate_card_set_id": equal("rate_card_set_id")},
        verbs=NO_DELETE,
    ),
    Collection(
        "rate_card_versions",
        "rate_card_version",
        "RateCardVersion",
        shown=("default_rate", "created_at", "updated_at"),
        writes={"default_rate": whole, "rate_card_id": identifier, "rate_card_set_version_id": identifier},
        associations=(
            one("rate_card", "rate_cards"),
            one("rate_card_set_version", "rate_card_set_versions"),
            many("rate_card_roles", "rate_card_roles", "rate_card_role_ids", via="rate_card_version_id"),
        ),
        filters={**TIMES, "rate_card_id": equal("rate_card_id")},
        verbs=NO_DELETE,
    ),
    Collection(
        "rate_card_roles",
        "rate_card_role",
        "RateCardRole",
        shown=("rate", "created_at", "updated_at"),
        writes={"rate_card_version_id": identifier, "role_id": identifier, "rate": whole},
        required={"rate_card_version_id": "Please say which version", "role_id": "Please say which role"},
        associations=(one("role", "roles"), one("rate_card_version", "rate_card_versions")),
        filters={**TIMES, "rate_card_version_id": equal("rate_card_version_id"), "role_id": equal("role_id")},
        verbs=NO_DELETE,
    ),
)
