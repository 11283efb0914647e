"""A signed webhook has one valid form: whatever is changed in its body, timestamp or signature, it is refused."""

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seatrial_core.errors import Unauthenticated
from seatrial_core.signing import MAX_AHEAD_SECONDS, TOLERANCE_SECONDS, sign
from seatrial_engine.api.webhook_auth import WebhookKeys, WebhookRequest, authenticate

NOW = 1_700_000_000
KEYS = WebhookKeys(secret="signing-secret", token="path-token")
BODY = json.dumps({"symbol": "X", "action": "buy"}).encode()
SIGNATURE = sign(KEYS.secret, BODY, NOW)
MANY = settings(max_examples=200, derandomize=True, deadline=None)
CHARACTERS = st.characters()  # with lone surrogates and NUL


def refused(webhook: WebhookRequest, now: int = NOW) -> bool:
    """Return whether a webhook is refused as one of an unknown sender."""
    try:
        authenticate(webhook, KEYS, now)
    except Unauthenticated:
        return True
    return False


def mutations(text: str) -> st.SearchStrategy[str]:
    """Return texts that differ from one in a part: replaced, inserted or cut."""
    position = st.integers(0, len(text))
    return st.builds(
        lambda start, end, part: text[: min(start, end)] + part + text[max(start, end) :],
        position,
        position,
        st.text(CHARACTERS, max_size=4) | st.sampled_from(["0", " ", "+", "\n", "=", "٠"]),
    ).filter(lambda mutated: mutated != text)


@MANY
@given(mutations(str(NOW)) | st.text(CHARACTERS, max_size=20))
def test_only_the_canonical_timestamp_is_accepted(timestamp: str) -> None:
    assume(timestamp != str(NOW))
    assert refused(WebhookRequest(BODY, timestamp, SIGNATURE))


@MANY
@given(mutations(SIGNATURE) | st.text(CHARACTERS, max_size=80))
def test_only_the_whole_signature_is_accepted(signature: str) -> None:
    assume(signature != SIGNATURE)
    assert refused(WebhookRequest(BODY, str(NOW), signature))


@MANY
@given(st.binary(max_size=60) | mutations(BODY.decode()).map(lambda text: text.encode(errors="replace")))
def test_only_the_signed_body_is_accepted(body: bytes) -> None:
    assume(body != BODY)
    assert refused(WebhookRequest(body, str(NOW), SIGNATURE))


@MANY
@given(st.integers(-(10**6), 10**6), st.binary(max_size=20))
def test_a_signature_is_accepted_exactly_within_its_time(age: int, noise: bytes) -> None:
    body = json.dumps({"symbol": noise.hex() or "X", "action": "buy"}).encode()
    signed_at = NOW - age

    accepted = not refused(WebhookRequest(body, str(signed_at), sign(KEYS.secret, body, signed_at)))

    assert accepted == (-MAX_AHEAD_SECONDS <= age <= TOLERANCE_SECONDS)


@MANY
@given(mutations(KEYS.token) | st.text(CHARACTERS, max_size=20))
def test_only_the_whole_token_is_accepted(token: str) -> None:
    assume(token != KEYS.token)
    assert refused(WebhookRequest(BODY, token=token))


@pytest.mark.parametrize("secret", [KEYS.secret, "é", "x"])
def test_the_unchanged_webhook_is_accepted(secret: str) -> None:
    webhook = WebhookRequest(BODY, str(NOW), sign(secret, BODY, NOW))
    assert authenticate(webhook, WebhookKeys(secret=secret), NOW).fields == {"symbol": "X", "action": "buy"}
