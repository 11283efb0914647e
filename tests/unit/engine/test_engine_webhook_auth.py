"""Authentication of webhooks, and the ids of repeated deliveries."""

import hashlib
import hmac
import json

import pytest

from seatrial_core.errors import BadRequest, Unauthenticated
from seatrial_core.signing import sign
from seatrial_engine.api.webhook_auth import WINDOW_SECONDS, WebhookKeys, WebhookRequest, authenticate

NOW = 1_700_000_000
KEYS = WebhookKeys(secret="signing-secret", token="path-token")
BODY = json.dumps({"symbol": "X", "action": "buy"}).encode()


def signed(body: bytes = BODY, at: int = NOW, secret: str = KEYS.secret) -> WebhookRequest:
    """Return a signed webhook; with an empty secret a forged one."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return WebhookRequest(body, str(at), f"sha256={digest}")


def test_signed_webhook_is_authenticated_and_identified_by_time_and_body() -> None:
    first, again, later = (authenticate(signed(at=at), KEYS, NOW) for at in (NOW, NOW, NOW + 1))

    assert first.fields == {"symbol": "X", "action": "buy"}
    assert first.order_ids == again.order_ids != later.order_ids


@pytest.mark.parametrize(
    "webhook",
    [
        signed(secret="another"),
        signed(at=NOW - 301),
        signed(at=NOW + 61),
        WebhookRequest(BODY, f"0{NOW}", sign(KEYS.secret, BODY, NOW)),
        WebhookRequest(BODY, str(NOW), sign(KEYS.secret, BODY, NOW)[:-1]),
        WebhookRequest(BODY, str(NOW), sign(KEYS.secret, BODY, NOW).upper()),
        WebhookRequest(BODY, str(NOW), ""),
        WebhookRequest(BODY, token=KEYS.token[:-1]),
        WebhookRequest(BODY + b" ", str(NOW), sign(KEYS.secret, BODY, NOW)),
        WebhookRequest(BODY, str(NOW), None),
        WebhookRequest(BODY, None, sign(KEYS.secret, BODY, NOW)),
        WebhookRequest(BODY, token="wrong"),
        WebhookRequest(BODY, token="é"),
        WebhookRequest(BODY),
        WebhookRequest(b'{"secret": "wrong"}'),
        WebhookRequest(b'{"secret": null}'),
    ],
)
def test_webhook_without_valid_signature_or_token_is_refused(webhook: WebhookRequest) -> None:
    with pytest.raises(Unauthenticated):
        authenticate(webhook, KEYS, NOW)


def test_without_keys_every_webhook_is_refused() -> None:
    for webhook in (signed(secret=""), WebhookRequest(BODY, token=""), WebhookRequest(b'{"secret": ""}')):
        with pytest.raises(Unauthenticated):
            authenticate(webhook, WebhookKeys(), NOW)


@pytest.mark.parametrize(
    ("keys", "webhook", "says"),
    [
        (WebhookKeys(secret="", token=""), WebhookRequest(BODY, token="any"), "webhooks are off here"),
        (KEYS, WebhookRequest(BODY, token="wrong"), "the token of this webhook is not the one"),
        (KEYS, WebhookRequest(BODY), "neither signed nor does it carry the token"),
    ],
)
def test_refusal_says_what_to_do(keys: WebhookKeys, webhook: WebhookRequest, says: str) -> None:
    with pytest.raises(Unauthenticated, match=says):
        authenticate(webhook, keys, NOW)


def test_secret_in_the_body_authenticates_and_is_removed() -> None:
    authenticated = authenticate(WebhookRequest(b'{"secret": "path-token", "ticker": "X"}'), KEYS, NOW)

    assert authenticated.fields == {"ticker": "X"}


def test_same_unsigned_body_is_one_delivery_within_the_window() -> None:
    first = authenticate(WebhookRequest(BODY, token=KEYS.token), KEYS, NOW)
    soon = authenticate(WebhookRequest(BODY, token=KEYS.token), KEYS, NOW + WINDOW_SECONDS)
    later = authenticate(WebhookRequest(BODY, token=KEYS.token), KEYS, NOW + 2 * WINDOW_SECONDS)

    assert first.order_ids[0] in soon.order_ids
    assert first.order_ids[0] not in later.order_ids


@pytest.mark.parametrize("body", [b'{"contracts": {{strategy.order.contracts}}}', b"[]", b"long X q=1", b"\xff"])
def test_body_that_is_not_an_object_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        authenticate(WebhookRequest(body, token=KEYS.token), KEYS, NOW)
