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


@pytest.mark.parametrize("seconds", [301, 3_600, 86_400, 1_000_000_000])
def test_a_signature_of_the_future_is_refused_like_one_of_the_past(seconds: int) -> None:
    for timestamp in (1_700_000_000 + seconds, 1_700_000_000 - seconds):
        refusal = verify("key", BODY, str(timestamp), sign("key", BODY, timestamp), now=1_700_000_000)

        assert refusal is not None
        assert "300 s away" in refusal


def test_no_part_of_a_signature_is_accepted() -> None:
    signature = sign("key", BODY, 1_700_000_000)
    parts = [*(signature[:length] for length in range(len(signature))), signature[7:], signature + "0", "sha256="]

    for part in parts:
        assert verify("key", BODY, "1700000000", part, now=1_700_000_000) is not None, part
