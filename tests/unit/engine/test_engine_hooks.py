"""Who may send a webhook, and which deliveries are one."""

import json

import pytest

from seatrial_core.errors import BadRequest, Unauthenticated
from seatrial_core.signing import sign
from seatrial_engine.api.webhook_auth import WINDOW_SECONDS, WebhookKeys, WebhookRequest, authenticate

NOW = 1_700_000_000
KEYS = WebhookKeys(secret="signing-secret", token="path-token")
BODY = json.dumps({"symbol": "X", "action": "buy"}).encode()


def signed(body: bytes = BODY, at: int = NOW, secret: str = KEYS.secret) -> WebhookRequest:
    """Return a signed delivery."""
    return WebhookRequest(body, str(at), sign(secret, body, at))


def test_signed_delivery_comes_in_and_is_known_by_time_and_body() -> None:
    first, again, later = (authenticate(signed(at=at), KEYS, NOW) for at in (NOW, NOW, NOW + 1))

    assert first.fields == {"symbol": "X", "action": "buy"}
    assert first.order_ids == again.order_ids != later.order_ids


@pytest.mark.parametrize(
    "delivery",
    [
        signed(secret="another"),
        signed(at=NOW - 301),
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
def test_delivery_that_proves_nothing_is_refused(delivery: WebhookRequest) -> None:
    with pytest.raises(Unauthenticated):
        authenticate(delivery, KEYS, NOW)


def test_nothing_opens_what_has_no_key() -> None:
    for delivery in (signed(secret=""), WebhookRequest(BODY, token=""), WebhookRequest(b'{"secret": ""}')):
        with pytest.raises(Unauthenticated):
            authenticate(delivery, WebhookKeys(), NOW)


def test_secret_in_the_body_opens_and_goes_no_further() -> None:
    opened = authenticate(WebhookRequest(b'{"secret": "path-token", "ticker": "X"}'), KEYS, NOW)

    assert opened.fields == {"ticker": "X"}


def test_same_unsigned_body_is_one_delivery_within_the_window() -> None:
    first = authenticate(WebhookRequest(BODY, token=KEYS.token), KEYS, NOW)
    soon = authenticate(WebhookRequest(BODY, token=KEYS.token), KEYS, NOW + WINDOW_SECONDS)
    later = authenticate(WebhookRequest(BODY, token=KEYS.token), KEYS, NOW + 2 * WINDOW_SECONDS)

    assert first.order_ids[0] in soon.order_ids
    assert first.order_ids[0] not in later.order_ids


@pytest.mark.parametrize("body", [b'{"contracts": {{strategy.order.contracts}}}', b"[]", b"long X q=1", b"\xff"])
def test_body_that_is_no_object_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequest):
        authenticate(WebhookRequest(body, token=KEYS.token), KEYS, NOW)
