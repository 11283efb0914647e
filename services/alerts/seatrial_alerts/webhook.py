"""Posts notifications to the operator's webhook."""

import asyncio

import httpx

from seatrial_alerts.channel import DeliveryAttempt
from seatrial_core.clients import http_options
from seatrial_core.contracts.clock import Clock
from seatrial_core.json_types import JsonMapping
from seatrial_core.notifications import WEBHOOK, webhook_post

MAX_RETRY_AFTER_SECONDS = 3_600.0


class WebhookChannel:
    """The channel of one webhook.

    Args:
        url: Where to post; it may contain a secret and is never logged or stored.
        secret: Signs the body; empty leaves it unsigned.
        timeout_seconds: Limit of one attempt, from the connection to the end of the answer.
        attempts: After how many attempts a notification is dead.
        clock: The time of the signature and of the attempts.
    """

    name = WEBHOOK
    is_serial = False
    max_pause_seconds = 300.0

    def __init__(self, url: str, secret: str, timeout_seconds: float, attempts: int, clock: Clock) -> None:
        self.timeout_seconds = timeout_seconds
        self.attempts: int | None = attempts
        self._url = url
        self._secret = secret
        self._clock = clock
        self._http = httpx.AsyncClient(timeout=timeout_seconds, **http_options(url))

    async def send(self, key: str, body: JsonMapping) -> DeliveryAttempt:
        """Post a notification once."""
        request = webhook_post({**body, "key": key}, self._secret, self._clock.now())
        started = self._clock.monotonic()
        try:
            # The client's timeout restarts with every read; a receiver that answers byte by byte must not outlast
            # the lease.
            async with asyncio.timeout(self.timeout_seconds):
                # Only status and headers are used; the body is never read, so its size does not matter.
                async with self._http.stream(
                    "POST", self._url, content=request.body, headers=request.headers
                ) as response:
                    pass
        except (httpx.TimeoutException, TimeoutError):
            return DeliveryAttempt("timeout", None, "no answer in time", self._clock.monotonic() - started)
        except httpx.HTTPError as error:
            return DeliveryAttempt("unreachable", None, type(error).__name__, self._clock.monotonic() - started)
        return DeliveryAttempt(
            "delivered" if response.is_success else "refused",
            response.status_code,
            "" if response.is_success else f"answered {response.status_code}",
            self._clock.monotonic() - started,
            retry_after_seconds(response.headers.get("Retry-After")),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def retry_after_seconds(header: str | None) -> float | None:
    """Return the seconds of a Retry-After header, at most an hour; None for a date or no header."""
    if header is None or not header.strip().isdigit():
        return None
    return min(float(header.strip()), MAX_RETRY_AFTER_SECONDS)
