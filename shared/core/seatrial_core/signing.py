"""HMAC signatures of webhooks, incoming and outgoing: SHA-256 over `timestamp.body`."""

import hashlib
import hmac

TIMESTAMP_HEADER = "X-Seatrial-Timestamp"
SIGNATURE_HEADER = "X-Seatrial-Signature"
TOLERANCE_SECONDS = 300


def sign(secret: str, body: bytes, timestamp: int) -> str:
    """Return the value of the signature header.

    Args:
        secret: The shared secret, not empty.
        body: The exact bytes that are sent.
        timestamp: Epoch seconds, also sent in the timestamp header.

    Example:
        >>> sign("s3cret", b"{}", 1700000000)[:7]
        'sha256='
    """
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def verify(
    secret: str,
    body: bytes,
    timestamp: str | None,
    signature: str | None,
    *,
    now: int,
    tolerance: int = TOLERANCE_SECONDS,
) -> str | None:
    """Return the reason a signature is refused, or None if it is valid.

    Args:
        secret: The shared secret.
        body: The exact bytes that came.
        timestamp: The timestamp header, epoch seconds as text.
        signature: The signature header.
        now: The current epoch seconds.
        tolerance: How far the timestamp may be off, in seconds, either way.
    """
    if not timestamp or not signature:
        return f"{TIMESTAMP_HEADER} and {SIGNATURE_HEADER} are both needed"
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        return f"{TIMESTAMP_HEADER} must be epoch seconds, was {timestamp[:40]!r}"
    if abs(now - int(timestamp)) > tolerance:
        return f"{TIMESTAMP_HEADER} is more than {tolerance} s away from this server's clock"
    expected = sign(secret, body, int(timestamp))
    if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
        return f"{SIGNATURE_HEADER} does not match the body"
    return None
