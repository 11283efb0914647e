"""Webhook signatures hold for the exact bytes, within the window, and say why they do not."""

import hashlib
import hmac

import pytest

from seatrial_core.signing import sign, verify

BODY = b'{"symbol":"BTCUSDT"}'


def test_the_signature_is_hmac_sha256_of_timestamp_dot_body() -> None:
    expected = hmac.new(b"key", b"1700000000." + BODY, hashlib.sha256).hexdigest()

    assert sign("key", BODY, 1_700_000_000) == f"sha256={expected}"
    assert verify("key", BODY, "1700000000", f"sha256={expected}", now=1_700_000_300) is None


@pytest.mark.parametrize(
    ("timestamp", "signature", "now", "why"),
    [
        (None, "sha256=00", 1_700_000_000, "both needed"),
        ("1700000000", None, 1_700_000_000, "both needed"),
        ("17e8", "sha256=00", 1_700_000_000, "epoch seconds"),
        ("1700000000", "sha256=00", 1_700_000_301, "300 s away"),
        ("1700000000", "sha256=00", 1_700_000_000, "does not match"),
        ("1700000000", "sha256=é", 1_700_000_000, "does not match"),
    ],
)
def test_a_refusal_says_why(timestamp: str | None, signature: str | None, now: int, why: str) -> None:
    refusal = verify("key", BODY, timestamp, signature, now=now)

    assert refusal is not None
    assert why in refusal
