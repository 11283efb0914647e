"""Webhook signatures hold for the exact bytes, within the window, and say why they do not."""

import hashlib
import hmac
from collections.abc import Callable

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
        ("1700000000", "sha256=00", 1_700_000_301, "301 s behind"),
        ("1700000061", "sha256=00", 1_700_000_000, "61 s ahead of"),
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
        assert "300 s behind and 60 s ahead are accepted" in refusal


def test_no_part_of_a_signature_is_accepted() -> None:
    signature = sign("key", BODY, 1_700_000_000)
    parts = [*(signature[:length] for length in range(len(signature))), signature[7:], signature + "0", "sha256="]

    for part in parts:
        assert verify("key", BODY, "1700000000", part, now=1_700_000_000) is not None, part


@pytest.mark.parametrize(
    "timestamp",
    [
        *("01700000000", "001700000000", "+1700000000", " 1700000000", "1700000000 ", "1700000000\n", "1_700_000_000"),
        *(
            "1700000000.0",
            "0x6553f100",
            "-1700000000",
            "\u0661\u0667\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660",
            "0",
        ),
    ],
)
def test_a_timestamp_has_one_valid_form(timestamp: str) -> None:
    refusal = verify("key", BODY, timestamp, sign("key", BODY, 1_700_000_000), now=1_700_000_000)

    assert refusal is not None
    assert "without sign, spaces or leading zeros" in refusal


@pytest.mark.parametrize(
    "forge",
    [
        lambda signature: signature[:-1],
        lambda signature: signature[: len("sha256=") + 1],
        lambda _: "sha256=",
        lambda signature: signature.removeprefix("sha256="),
        lambda signature: signature.upper(),
        lambda signature: "sha256=" + signature.removeprefix("sha256=").upper(),
        lambda signature: signature + " ",
        lambda signature: signature + "00",
        lambda signature: signature.replace("sha256", "sha1"),
    ],
)
def test_a_signature_has_one_valid_form(forge: Callable[[str], str]) -> None:
    signature = sign("key", BODY, 1_700_000_000)

    assert verify("key", BODY, "1700000000", signature, now=1_700_000_000) is None
    assert verify("key", BODY, "1700000000", forge(signature), now=1_700_000_000) is not None


@pytest.mark.parametrize(("now", "is_valid"), [(1_699_999_940, True), (1_699_999_939, False), (1_700_000_300, True)])
def test_a_signature_of_the_future_is_refused_beyond_the_skew(now: int, is_valid: bool) -> None:
    refusal = verify("key", BODY, "1700000000", sign("key", BODY, 1_700_000_000), now=now)

    assert (refusal is None) is is_valid


def test_an_empty_secret_signs_and_accepts_nothing() -> None:
    forged = "sha256=" + hmac.new(b"", b"1700000000." + BODY, hashlib.sha256).hexdigest()

    with pytest.raises(ValueError, match="empty secret"):
        sign("", BODY, 1_700_000_000)
    assert verify("", BODY, "1700000000", forged, now=1_700_000_000) is not None
