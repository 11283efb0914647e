"""Posts notifications from a process without an alerts service: in order and with retries, but lost at its end."""

import logging
from collections import deque

import httpx

from seatrial_core.clients import http_options
from seatrial_core.contracts.alerts import Notification
from seatrial_core.contracts.clock import Clock
from seatrial_core.notifications import webhook_post
from seatrial_core.redaction import redact

ATTEMPT_SECONDS = 5.0
MAX_WAITING = 100
MAX_ATTEMPTS = 20

log = logging.getLogger("seatrial")


class WebhookQueue:
    """The notifications that wait for one webhook, in order; a failed one is retried at the next `deliver`.

    Args:
        url: Where they are posted; empty only logs them.
        secret: Signs them; empty leaves them unsigned.
        clock: The time of a signature.
    """

    def __init__(self, url: str, secret: str, clock: Clock) -> None:
        self._url = url
        self._secret = secret
        self._clock = clock
        self._waiting: deque[tuple[Notification, int]] = deque(maxlen=MAX_WAITING)

    def add(self, notification: Notification) -> None:
        """Log a notification and queue it."""
        log.warning("alert %s is %s: %s", notification.rule, notification.state, notification.reason)
        if self._url:
            self._waiting.append((notification, 0))

    def deliver(self) -> None:
        """Post what waits, oldest first, until one fails."""
        while self._waiting:
            notification, attempts = self._waiting[0]
            problem = self._post(notification)
            if not problem:
                self._waiting.popleft()
                continue
            if attempts + 1 >= MAX_ATTEMPTS:
                self._waiting.popleft()
                log.error("alert %s was dropped after %d attempts: %s", notification.rule, MAX_ATTEMPTS, problem)
                continue
            self._waiting[0] = (notification, attempts + 1)
            if attempts == 0:
                log.warning("alert %s could not be delivered yet: %s", notification.rule, problem)
            return

    def _post(self, notification: Notification) -> str:
        request = webhook_post(notification.model_dump(mode="json"), self._secret, self._clock.now())
        try:
            response = httpx.post(
                self._url,
                content=request.body,
                headers=request.headers,
                timeout=ATTEMPT_SECONDS,
                **http_options(self._url),
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return redact(f"{type(error).__name__}: {error}", [self._url])
        return "" if response.is_success else f"the receiver answered {response.status_code}"
