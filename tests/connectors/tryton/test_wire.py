"""Tryton's JSON: what goes out comes back, no float comes in, and the same call is always the same bytes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieout.connectors.tryton.errors import TrytonFault, TrytonUserError, TrytonUserWarning, error_of
from tieout.connectors.tryton.wire import decode, encode_call

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.text(),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.integers(-(10**6), 10**6).map(lambda minutes: timedelta(minutes=minutes)),
    st.binary(),
)


@given(st.lists(values))
def test_what_goes_out_comes_back(params: list[Any]) -> None:
    assert decode(encode_call("model.x.create", params))["params"] == params


def test_the_envelope_has_exactly_the_keys_that_tryton_answers_in_json_for() -> None:
    assert set(json.loads(encode_call("common.server.version", []))) == {"id", "method", "params"}


def test_a_time_of_another_zone_is_sent_as_utc() -> None:
    moment = datetime.fromisoformat("2026-11-02T09:00:00+01:00")
    assert decode(encode_call("m", [moment]))["params"] == [datetime(2026, 11, 2, 8, 0, tzinfo=UTC)]


def test_a_quantity_comes_in_as_a_decimal() -> None:
    assert decode(b'{"result": 10.1}') == {"result": Decimal("10.1")}


def test_a_value_without_a_form_is_refused_before_it_is_sent() -> None:
    with pytest.raises(TypeError, match="no form for set"):
        encode_call("m", [{1, 2}])


def test_dates_are_not_times() -> None:
    assert json.loads(encode_call("m", [date(2026, 10, 5)]))["params"][0]["__class__"] == "date"


@pytest.mark.parametrize(
    ("told", "kind", "text"),
    [
        (["UserError", ["No.", "Because.", None]], TrytonUserError, "No.\nBecause."),
        (["UserError", ["No."]], TrytonUserError, "No."),
        (["UserWarning", ["7.invoice_date_future", "Really?", ""]], TrytonUserWarning, "Really?"),
        (["'nofield'", ""], TrytonFault, "'nofield'"),
        ("anything", TrytonFault, "anything"),
    ],
)
def test_an_error_is_known_by_its_shape(told: Any, kind: type[Exception], text: str) -> None:
    error = error_of(told)
    assert type(error) is kind
    assert str(error) == text
