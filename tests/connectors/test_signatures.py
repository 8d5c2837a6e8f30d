"""Signatures: each scheme against its vendor's own example, and everything that is not exactly what was signed is refused."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from tieout.connectors import signatures
from tieout.connectors.contract import WebhookRefused
from tieout.connectors.signatures import TOLERANCE, Hmac, standard_webhooks

NOW = datetime(2021, 2, 25, 15, 2, 10, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
# The example of the standardwebhooks libraries' own tests.
STANDARD = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
STANDARD_BODY = b'{"test": 2432232314}'

GITHUB = Hmac((b"It's a Secret to Everybody",), "x-hub-signature-256", prefix="sha256=")
SLACK = Hmac(
    (b"8f742231b10e8888abcd99yyyzzz85a5",), "x-slack-signature", "v0:{moment}:{body}", prefix="v0=",
    moment="x-slack-request-timestamp",
)  # fmt: skip
STRIPE = Hmac((b"whsec_test_secret",), "stripe-signature", "{moment}.{body}", prefix="v1=", between=",", moment="t=")
FRAPPE = Hmac((b"secret",), "x-frappe-webhook-signature", written="base64")
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
STRIPE_BODY = b'{"id":"evt_1","object":"event","type":"invoice.paid"}'

Example = tuple[Hmac, Mapping[str, str], bytes, datetime]
EXAMPLES: dict[str, Example] = {
    "Standard Webhooks": (standard_webhooks(SECRET), STANDARD, STANDARD_BODY, NOW),
    "GitHub": (
        GITHUB,
        {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
        b"Hello, World!",
        NOW,
    ),
    "Slack": (
        SLACK,
        {
            "x-slack-request-timestamp": "1531420618",
            "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        },
        SLACK_BODY,
        datetime.fromtimestamp(1531420618, UTC),
    ),
    "Stripe": (
        STRIPE,
        {"stripe-signature": "t=1614265330,v1=7f05f5d53a8d6765a225ba05aefdffda66d1a56c436e4c9f2d675e8256ac735b,v0=00"},
        STRIPE_BODY,
        NOW,
    ),
    "Frappe": (
        FRAPPE,
        {"x-frappe-webhook-signature": base64.b64encode(hmac.digest(b"secret", b'{"a": 1}', "sha256")).decode()},
        b'{"a": 1}',
        NOW,
    ),
}
each_scheme = pytest.mark.parametrize("name", EXAMPLES)


def refused(scheme: Hmac, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    try:
        scheme.verify(headers, body, now)
    except WebhookRefused:
        return True
    return False


@each_scheme
def test_the_vendor_s_own_example_is_believed(name: str) -> None:
    scheme, headers, body, now = EXAMPLES[name]
    assert scheme.verify(headers, body, now) == headers.get("webhook-id", "")


@each_scheme
def test_one_bit_of_body_or_header_more_or_less_is_refused(name: str) -> None:
    scheme, headers, body, now = EXAMPLES[name]
    for place in range(len(body)):
        changed = bytearray(body)
        changed[place] ^= 1
        assert refused(scheme, headers, bytes(changed), now)
    for other in (b"", body + b" ", b" " + body, body[:-1]):
        assert refused(scheme, headers, other, now)
    for header, value in headers.items():
        assert refused(scheme, {**headers, header: ""}, body, now)
        assert refused(scheme, {**headers, header: "é" + value[1:]}, body, now)
        assert refused(scheme, {**headers, header: value[1:]}, body, now)
    assert refused(scheme, {}, body, now)


@each_scheme
def test_the_signature_of_another_connection_is_refused(name: str) -> None:
    scheme, headers, body, now = EXAMPLES[name]
    mine = {field: getattr(scheme, field) for field in Hmac.__slots__} | {"keys": (b"the key of another legal entity",)}
    assert refused(Hmac(**mine), headers, body, now)


@pytest.mark.parametrize("name", ["Standard Webhooks", "Slack", "Stripe"])
def test_a_call_counts_five_minutes_long_and_not_a_second_more(name: str) -> None:
    scheme, headers, body, now = EXAMPLES[name]
    for seconds, too_far in ((0, False), (300, False), (301, True), (-300, False), (-301, True)):
        assert refused(scheme, headers, body, now + timedelta(seconds=seconds)) == too_far
    assert timedelta(seconds=300) == TOLERANCE


@given(moment=st.text(max_size=14).filter(lambda text: text != STANDARD["webhook-timestamp"]))
def test_a_moment_that_was_not_signed_is_refused(moment: str) -> None:
    assert refused(standard_webhooks(SECRET), {**STANDARD, "webhook-timestamp": moment}, STANDARD_BODY, NOW)


def test_while_a_secret_is_replaced_both_count_and_afterwards_one() -> None:
    both = standard_webhooks(OTHER, SECRET)
    signed = {name: Webhook(name).sign("msg_1", NOW, "{}") for name in (SECRET, OTHER)}
    for written in (signed[SECRET], signed[OTHER], f"v1,AAAA v1a,BBBB {signed[OTHER]}"):
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(NOW.timestamp())), "webhook-signature": written}
        assert both.verify(headers, b"{}", NOW) == "msg_1"
    assert refused(standard_webhooks(OTHER), STANDARD, STANDARD_BODY, NOW)


@given(body=st.text(), call=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True))
def test_what_the_public_library_signs_is_believed(body: str, call: str) -> None:
    headers = {
        "webhook-id": call,
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(call, NOW, body),
    }
    assert standard_webhooks(SECRET).verify(headers, body.encode(), NOW) == call


def test_bytes_that_are_no_text_can_be_signed_and_are_compared_as_they_are() -> None:
    for body in (b"\xff\xfe", b"\r\n", b"\0"):
        headers = {"x-hub-signature-256": "sha256=" + hmac.digest(GITHUB.keys[0], body, "sha256").hex()}
        assert GITHUB.verify(headers, body, NOW) == ""


def test_many_signatures_are_an_attempt_to_guess() -> None:
    padded = " ".join([*["v1,AAAA"] * 8, STANDARD["webhook-signature"]])
    assert refused(standard_webhooks(SECRET), {**STANDARD, "webhook-signature": padded}, STANDARD_BODY, NOW)


def test_two_moments_are_none() -> None:
    scheme, headers, body, now = EXAMPLES["Stripe"]
    assert refused(scheme, {"stripe-signature": headers["stripe-signature"] + ",t=1"}, body, now)


@pytest.mark.parametrize(
    "wrong",
    [
        {"keys": ()}, {"keys": (b"",)}, {"message": "{moment}", "moment": "at"}, {"moment": "at"}, {"id": "id"},
        {"message": "{moment}.{body}"}, {"message": "{id}.{body}"},
    ],
)  # fmt: skip
def test_a_scheme_that_would_prove_nothing_cannot_be_declared(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Hmac(**({"keys": (b"k",), "header": "signature"} | wrong))


def test_a_secret_that_is_no_base64_is_refused() -> None:
    with pytest.raises(ValueError):
        standard_webhooks("whsec_no base64!")


# -- what brings each hole back


def test_every_signature_is_compared_with_every_key_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """`==`, or stopping at the first that fits, would tell a forger how far they got."""
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def watched(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(signatures.hmac, "compare_digest", watched)
    three = f"{STANDARD['webhook-signature']} v1,AAAA v1,BBBB"
    standard_webhooks(SECRET, OTHER).verify({**STANDARD, "webhook-signature": three}, STANDARD_BODY, NOW)
    assert len(compared) == 3 * 2


def guards(scheme: Hmac) -> dict[str, Callable[[], bool]]:
    """What a sound scheme refuses, by name."""
    return {
        "another body": lambda: refused(scheme, STANDARD, STANDARD_BODY + b" ", NOW),
        "played back": lambda: refused(scheme, STANDARD, STANDARD_BODY, NOW + timedelta(minutes=6)),
        "another id": lambda: refused(scheme, {**STANDARD, "webhook-id": "msg_2"}, STANDARD_BODY, NOW),
    }


class NeverWrong(Hmac):
    def _expected(self, call: str, moment: str, body: bytes) -> list[bytes]:
        return [STANDARD["webhook-signature"].removeprefix("v1,").encode()]


def saboteurs() -> dict[str, tuple[Hmac, Sequence[str]]]:
    sound = {field: getattr(standard_webhooks(SECRET), field) for field in Hmac.__slots__}
    return {
        "nothing": (Hmac(**sound), []),
        "the signature is not looked at": (NeverWrong(**sound), ["another body", "another id"]),
        "no replay window": (Hmac(**sound | {"tolerance": timedelta(days=36500)}), ["played back"]),
    }


@pytest.mark.parametrize("name", saboteurs())
def test_a_guard_that_is_taken_away_is_missed(name: str) -> None:
    scheme, let_in = saboteurs()[name]
    assert not refused(scheme, STANDARD, STANDARD_BODY, NOW)
    assert [what for what, holds in guards(scheme).items() if not holds()] == let_in
