"""Posts notifications to the operator's webhook, signed when there is a secret."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx

from seatrial_alerts.channel import DeliveryAttempt
from seatrial_core.contracts.clock import Clock
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

WEBHOOK = "webhook"
MAX_RETRY_AFTER_SECONDS = 3_600.0


class WebhookChannel:
    """A channel to one address.

    Args:
        url: Where to post; it may carry a secret and is never recorded.
        secret: Signs the body; empty: unsigned.
        timeout_seconds: Limit of one attempt, all in all.
        attempts: How often a notification is tried before it is a dead letter.
        clock: Stamps the signature and measures.
    """

    name = WEBHOOK
    is_serial = False
    longest_pause_seconds = 300.0

    def __init__(self, url: str, secret: str, timeout_seconds: float, attempts: int, clock: Clock) -> None:
        self.timeout_seconds = timeout_seconds
        self.attempts: int | None = attempts
        self._url = url
        self._secret = secret
        self._clock = clock
        self._http = httpx.AsyncClient(timeout=timeout_seconds, follow_redirects=False)

    async def send(self, key: str, body: Mapping[str, Any]) -> DeliveryAttempt:  # Any: the notification's JSON
        """Post a notification once."""
        raw = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
        started = self._clock.monotonic()
        try:
            # The client's own limit counts each read anew; a receiver that drips must not outlive the lease.
            async with asyncio.timeout(self.timeout_seconds):
                answer = await self._http.post(self._url, content=raw, headers=self._headers(key, raw))
        except (httpx.TimeoutException, TimeoutError):
            return DeliveryAttempt("timeout", None, "no answer in time", self._clock.monotonic() - started)
        except httpx.HTTPError as error:
            return DeliveryAttempt("unreachable", None, type(error).__name__, self._clock.monotonic() - started)
        return DeliveryAttempt(
            "delivered" if answer.is_success else "refused",
            answer.status_code,
            "" if answer.is_success else f"answered {answer.status_code}",
            self._clock.monotonic() - started,
            retry_after_seconds(answer.headers.get("Retry-After")),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key, "User-Agent": "seatrial-alerts"}
        if self._secret:
            timestamp = int(self._clock.now().timestamp())
            headers[TIMESTAMP_HEADER] = str(timestamp)
            headers[SIGNATURE_HEADER] = sign(self._secret, body, timestamp)
        return headers


def retry_after_seconds(header: str | None) -> float | None:
    """Return what a Retry-After header asks for, bounded; dates are left to our own back-off."""
    if header is None or not header.strip().isdigit():
        return None
    return min(float(header.strip()), MAX_RETRY_AFTER_SECONDS)
