"""Judges a webhook: who sent it, what it says, and which order it is a repetition of."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial_core.errors import BadRequest, Unauthenticated
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify

# TradingView gives a delivery no id: the same body within this time is the same delivery.
WINDOW_SECONDS = 300
SECRET_FIELDS = ("secret", "passphrase")


@dataclass(frozen=True)
class WebhookRequest:
    """A webhook as it came; `token` is the last part of the path, where there is one."""

    body: bytes
    timestamp: str | None = None
    signature: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class WebhookKeys:
    """What senders prove themselves with; an empty one opens nothing."""

    secret: str = ""
    token: str = ""


@dataclass(frozen=True)
class AuthenticatedWebhook:
    """A webhook that was let in: its fields without secrets, and the ids an order of it may have, the newest first."""

    fields: Mapping[str, Any]  # Any: not yet validated
    order_ids: tuple[str, ...]


def open_delivery(delivery: WebhookRequest, keys: WebhookKeys, now: int) -> AuthenticatedWebhook:
    """Let a webhook in.

    Args:
        delivery: What came.
        keys: What it must prove itself with.
        now: Epoch seconds.

    Raises:
        Unauthenticated: Neither signature nor token holds.
        BadRequest: The body is not a JSON object.
    """
    if delivery.signature is not None or delivery.timestamp is not None:
        _require_signature(delivery, keys, now)
        digest = hashlib.sha256(f"{delivery.timestamp}.".encode() + delivery.body).hexdigest()
        return AuthenticatedWebhook(_public(_parsed(delivery.body)), (f"hook:{digest[:40]}",))
    if delivery.token is not None:
        _require_token(delivery.token, keys)
    fields = _parsed(delivery.body)
    if delivery.token is None:
        _require_token(next((str(fields[name]) for name in SECRET_FIELDS if name in fields), ""), keys)
    window = now // WINDOW_SECONDS
    digest = hashlib.sha256(delivery.body).hexdigest()[:40]
    return AuthenticatedWebhook(_public(fields), tuple(f"hook:{digest}:{each}" for each in (window, window - 1)))


def _require_signature(delivery: WebhookRequest, keys: WebhookKeys, now: int) -> None:
    if not keys.secret:
        raise Unauthenticated("signed webhooks are off here; set SEATRIAL_ENGINE_WEBHOOK_SECRET")
    refusal = verify(keys.secret, delivery.body, delivery.timestamp, delivery.signature, now=now)
    if refusal is not None:
        raise Unauthenticated(refusal)


def _require_token(offered: str, keys: WebhookKeys) -> None:
    if not keys.token or not hmac.compare_digest(offered.encode(errors="replace"), keys.token.encode()):
        raise Unauthenticated(
            f"this webhook is neither signed nor does it carry the token: send {TIMESTAMP_HEADER} and "
            f"{SIGNATURE_HEADER}, or, where the sender cannot sign, the token as /webhook/TOKEN or in `secret`"
        )


def _parsed(body: bytes) -> dict[str, Any]:  # Any: not yet validated
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        hint = "; a placeholder {{...}} was not replaced" if b"{{" in body else ""
        raise BadRequest(f"the body is not JSON: {str(error)[:100]}{hint}") from error
    if not isinstance(found, dict):
        raise BadRequest("the body must be a JSON object with symbol and action")
    return found


def _public(fields: Mapping[str, Any]) -> dict[str, Any]:  # Any: not yet validated
    return {name: value for name, value in fields.items() if name not in SECRET_FIELDS}
