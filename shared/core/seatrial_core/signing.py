"""HMAC signatures of webhooks, incoming and outgoing: SHA-256 over `timestamp.body`.

A signed webhook has exactly one valid form: the timestamp is written without sign, spaces or leading zeros, and the
signature is `sha256=` and 64 lowercase hexadecimal digits. A receiver can therefore recognise a repeated webhook by the
bytes of its signature.
"""

import hashlib
import hmac
import re

TIMESTAMP_HEADER = "X-Seatrial-Timestamp"
SIGNATURE_HEADER = "X-Seatrial-Signature"
TOLERANCE_SECONDS = 300
# The clock of an honest sender may be ahead; a signature of the future could be repeated for longer.
MAX_AHEAD_SECONDS = 60
_TIMESTAMP = re.compile(r"[1-9][0-9]{0,11}")


def sign(secret: str, body: bytes, timestamp: int) -> str:
    """Return the value of the signature header.

    Args:
        secret: The shared secret, not empty.
        body: The exact bytes that are sent.
        timestamp: Epoch seconds, also sent in the timestamp header.

    Raises:
        ValueError: The secret is empty.

    Example:
        >>> sign("s3cret", b"{}", 1700000000)[:7]
        'sha256='
    """
    if not secret:
        raise ValueError("an empty secret signs nothing; set a random one, for example with `openssl rand -hex 24`")
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

    A receiver must also remember the signatures it accepted for `tolerance` + MAX_AHEAD_SECONDS, because a valid
    webhook can be sent again within that time.

    Args:
        secret: The shared secret; an empty one accepts no signature.
        body: The exact bytes that came.
        timestamp: The timestamp header, epoch seconds as text.
        signature: The signature header.
        now: The current epoch seconds.
        tolerance: How old the signature may be, in seconds; it may be at most MAX_AHEAD_SECONDS ahead.
    """
    if not secret:
        return "signed webhooks are off here, because no secret is set"
    if not timestamp or not signature:
        return f"{TIMESTAMP_HEADER} and {SIGNATURE_HEADER} are both needed"
    if not _TIMESTAMP.fullmatch(timestamp):
        return f"{TIMESTAMP_HEADER} must be epoch seconds without sign, spaces or leading zeros, was {timestamp[:40]!r}"
    age = now - int(timestamp)
    if age > tolerance or age < -min(tolerance, MAX_AHEAD_SECONDS):
        return (
            f"{TIMESTAMP_HEADER} is {abs(age)} s {'behind' if age > 0 else 'ahead of'} this server's clock; at most "
            f"{tolerance} s behind and {min(tolerance, MAX_AHEAD_SECONDS)} s ahead are accepted"
        )
    expected = sign(secret, body, int(timestamp))
    if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
        return f"{SIGNATURE_HEADER} does not match the body"
    return None
