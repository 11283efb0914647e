"""A webhook receiver that records the notifications of the demo."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from seatrial_core.clock import SystemClock
from seatrial_core.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify

LARGEST_BODY_BYTES = 1 << 20
REQUEST_SECONDS = 10.0


@dataclass(frozen=True)
class ReceivedNotification:
    """One notification as received, with its idempotency key."""

    key: str
    body: dict[str, Any]  # Any: JSON

    @property
    def rule(self) -> str:
        """Return which rule it is about."""
        return str(self.body.get("rule", ""))

    @property
    def state(self) -> str:
        """Return whether the alert fired or resolved."""
        return str(self.body.get("state", self.body.get("status", "")))


class NotificationReceiver:
    """Listen on a free loopback port, verify every signature and keep each notification once.

    Args:
        secret: What the sender signs with.
        on_notification: Called with each new notification.
    """

    def __init__(self, secret: str, on_notification: Callable[[ReceivedNotification], None]) -> None:
        self.secret = secret
        self.refused: list[str] = []
        self._on_notification = on_notification
        self._clock = SystemClock()
        self._deliveries: dict[str, ReceivedNotification] = {}
        self._guard = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, name="demo-receiver", daemon=True)

    @property
    def url(self) -> str:
        """Return where notifications are to be sent."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    @property
    def deliveries(self) -> list[ReceivedNotification]:
        """Return the notifications so far, each once."""
        with self._guard:
            return list(self._deliveries.values())

    def start(self) -> None:
        """Start listening."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def take(self, key: str, body: bytes, timestamp: str | None, signature: str | None) -> int:
        """Verify one request and return the HTTP status."""
        refusal = verify(self.secret, body, timestamp, signature, now=int(self._clock.now().timestamp()))
        if refusal is not None:
            with self._guard:
                self.refused.append(refusal)
            return 401
        delivery = ReceivedNotification(key, json.loads(body))
        with self._guard:
            is_new = key not in self._deliveries
            self._deliveries.setdefault(key, delivery)
        if is_new:
            self._on_notification(delivery)
        return 200


def _handler(receiver: NotificationReceiver) -> type[BaseHTTPRequestHandler]:
    class ReceiverHandler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            body = self.rfile.read(min(int(length), LARGEST_BODY_BYTES)) if length.isdecimal() else b""
            status = receiver.take(
                self.headers.get("Idempotency-Key", ""),
                body,
                self.headers.get(TIMESTAMP_HEADER),
                self.headers.get(SIGNATURE_HEADER),
            )
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
            """Write no access log to the terminal of the demo."""

    return ReceiverHandler
