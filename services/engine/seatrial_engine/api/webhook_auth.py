"""Authenticates a webhook, and derives the order id that identifies a repeated webhook."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seatrial_core.errors import BadRequest, Unauthenticated
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify

# TradingView sends no delivery id: the same body within this time is the same delivery.
WINDOW_SECONDS = 300
SECRET_FIELDS = ("secret", "passphrase")


@dataclass(frozen=True)
class WebhookRequest:
    """A received webhook; `token` is the last part of the path, if any."""

    body: bytes
    timestamp: str | None = None
    signature: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class WebhookKeys:
    """The secrets of senders; an empty one authenticates no webhook."""

    secret: str = ""
    token: str = ""


@dataclass(frozen=True)
class AuthenticatedWebhook:
    """The fields of an authenticated webhook, without secrets, and the ids its order may have, the newest first.

    `signed_at` is the timestamp of a signed webhook, None for one with a token.
    """

    fields: Mapping[str, Any]  # Any: not yet validated
    order_ids: tuple[str, ...]
    signed_at: int | None = None


def authenticate(webhook: WebhookRequest, keys: WebhookKeys, now: int) -> AuthenticatedWebhook:
    """Return an authenticated webhook.

    Args:
        webhook: The received webhook.
        keys: The secrets of its senders.
        now: Epoch seconds.

    Raises:
        Unauthenticated: Neither signature nor token is valid.
        BadRequest: The body is not a JSON object.
    """
    if webhook.signature is not None or webhook.timestamp is not None:
        _require_signature(webhook, keys, now)
        # A signed webhook has one valid signature, so its bytes identify the delivery.
        digest = hashlib.sha256((webhook.signature or "").encode()).hexdigest()
        signed_at = int(webhook.timestamp or "0")
        return AuthenticatedWebhook(_public(_parsed(webhook.body)), (f"hook:{digest[:40]}",), signed_at)
    if webhook.token is not None:
        _require_token(webhook.token, keys)
    fields = _parsed(webhook.body)
    if webhook.token is None:
        _require_token(next((str(fields[name]) for name in SECRET_FIELDS if name in fields), ""), keys)
    window = now // WINDOW_SECONDS
    digest = hashlib.sha256(webhook.body).hexdigest()[:40]
    return AuthenticatedWebhook(_public(fields), tuple(f"hook:{digest}:{number}" for number in (window, window - 1)))


def _require_signature(webhook: WebhookRequest, keys: WebhookKeys, now: int) -> None:
    if not keys.secret:
        raise Unauthenticated("signed webhooks are off here; set SEATRIAL_ENGINE_WEBHOOK_SECRET")
    refusal = verify(keys.secret, webhook.body, webhook.timestamp, webhook.signature, now=now)
    if refusal is not None:
        raise Unauthenticated(refusal)


def _require_token(offered: str, keys: WebhookKeys) -> None:
    # Digests have one length, so the time of the comparison reveals nothing about the token's.
    expected, digest = (hashlib.sha256(text.encode(errors="replace")).digest() for text in (keys.token, offered))
    if not keys.token and not keys.secret:
        raise Unauthenticated(
            "webhooks are off here; set SEATRIAL_ENGINE_WEBHOOK_SECRET for senders that sign, "
            "or SEATRIAL_ENGINE_WEBHOOK_TOKEN for those that cannot"
        )
    if not keys.token or not hmac.compare_digest(digest, expected):
        if offered:
            raise Unauthenticated("the token of this webhook is not the one in SEATRIAL_ENGINE_WEBHOOK_TOKEN")
        raise Unauthenticated(
            f"this webhook is neither signed nor does it carry the token: send {TIMESTAMP_HEADER} and "
            f"{SIGNATURE_HEADER}, or, where the sender cannot sign, the token as /webhook/TOKEN or in `secret`"
        )


def _parsed(body: bytes) -> dict[str, Any]:  # Any: not yet validated
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        hint = "; a placeholder {{...}} was not replaced" if b"{{" in body else ""
        raise BadRequest(f"the body is not JSON: {str(error)[:100]}{hint}") from error
    if not isinstance(fields, dict):
        raise BadRequest("the body must be a JSON object with symbol and action")
    return fields


def _public(fields: Mapping[str, Any]) -> dict[str, Any]:  # Any: not yet validated
    return {name: value for name, value in fields.items() if name not in SECRET_FIELDS}
