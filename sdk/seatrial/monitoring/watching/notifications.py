"""Posts alerts to a webhook as best a single process can; safe delivery is the alerts service's work."""

import json
import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

import httpx

from seatrial_core.contracts.clock import Clock
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

ATTEMPT_SECONDS = 5.0
MAX_WAITING = 100
MAX_ATTEMPTS = 20

log = logging.getLogger("seatrial")


class WebhookQueue:
    """Messages on their way to one address, in order; one that fails is tried again at the next tick.

    Args:
        url: Where they go; empty means that they are only logged.
        secret: Signs them; empty for unsigned.
        clock: Tells the timestamp of a signature.
    """

    def __init__(self, url: str, secret: str, clock: Clock) -> None:
        self._url = url
        self._secret = secret
        self._clock = clock
        self._waiting: deque[tuple[dict[str, Any], int]] = deque(maxlen=MAX_WAITING)  # Any: JSON

    def add(self, message: Mapping[str, Any]) -> None:
        """Put a message in line."""
        log.warning("alert %s is %s: %s", message["rule"], message["state"], message["reason"])
        if self._url:
            self._waiting.append((dict(message), 0))

    def deliver(self) -> None:
        """Send what waits, oldest first, until one fails."""
        while self._waiting:
            message, attempts = self._waiting[0]
            problem = self._post(message)
            if not problem:
                self._waiting.popleft()
                continue
            if attempts + 1 >= MAX_ATTEMPTS:
                self._waiting.popleft()
                log.error("alert %s was given up after %d attempts: %s", message["rule"], MAX_ATTEMPTS, problem)
                continue
            self._waiting[0] = (message, attempts + 1)
            if attempts == 0:
                log.warning("alert %s could not be delivered yet: %s", message["rule"], problem)
            return

    def _post(self, message: dict[str, Any]) -> str:
        body = json.dumps(message, separators=(",", ":"), sort_keys=True).encode()
        headers = {"Content-Type": "application/json"}
        if self._secret:
            timestamp = int(self._clock.now().timestamp())
            headers[TIMESTAMP_HEADER] = str(timestamp)
            headers[SIGNATURE_HEADER] = sign(self._secret, body, timestamp)
        try:
            response = httpx.post(self._url, content=body, headers=headers, timeout=ATTEMPT_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{type(error).__name__}: {error}"
        return "" if response.is_success else f"the receiver answered {response.status_code}"
