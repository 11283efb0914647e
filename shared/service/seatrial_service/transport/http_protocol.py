"""uvicorn's HTTP protocol with limits of headers, time, pipelining and connections, which httptools does not have."""

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from seatrial_service.transport.connection_limits import ConnectionLimits
from seatrial_service.transport.crowding import make_room
from seatrial_service.transport.raw_problems import MEDIA_TYPE, problem_body
from seatrial_service.transport.refusals import IDLE, TransportRefusals
from seatrial_service.transport.response_headers import DEFAULTS

ABSOLUTE = re.compile(rb"https?://", re.IGNORECASE)
REFUSED_METHODS = frozenset({b"TRACE", b"CONNECT"})
UNREAD_STEP_BYTES = 16 << 10
MALFORMED = "this is no valid HTTP request, or its headers contradict each other; send one length of the body"


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection; `LimitedServer` calls `check` once a second."""

    limits = ConnectionLimits()
    refusals: TransportRefusals  # as the two others, set by `server_config`
    max_connections = ConnectionLimits.connections

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # Any: as in the base class
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.waiting_since = self.loop.time()
        self.in_body = False
        self.served = 0
        self._has_received = False
        self._refused = False
        self._body_bytes = 0
        self._header_bytes = 0
        self._bytes_without_progress = 0
        self._progressed = False
        self._unread = 0
        self._unread_since = 0.0
        self._closing_since: float | None = None

    @property
    def is_busy(self) -> bool:
        """Return whether a complete request is in progress."""
        return self.cycle is not None and not self.cycle.response_complete and not self.in_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Accept a connection; if there are too many, close those that wait longest."""
        super().connection_made(transport)
        if len(self.connections) > self.max_connections and not make_room(self.connections, self):
            self._refuse(503, "too_many_connections", f"{self.max_connections} requests are in progress; try again")

    def data_received(self, data: bytes) -> None:
        """Read what arrived; end the connection if headers, trailers or chunk sizes do not end."""
        if self._refused:
            return
        self._progressed = False
        self._has_received = True
        super().data_received(data)
        self._bytes_without_progress = 0 if self._progressed else self._bytes_without_progress + len(data)
        if self._bytes_without_progress > self.limits.header_bytes:
            self._refuse_headers()

    def on_message_begin(self) -> None:
        """Start a request."""
        super().on_message_begin()
        self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Count the request line."""
        self._header_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header; trailers are dropped."""
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > self.limits.header_bytes or len(self.headers) >= self.limits.headers:
            self._refuse_headers()
        elif not self.in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the application, unless the request is refused."""
        self._progressed = True
        if self._refused:
            return
        if self.parser.get_method() in REFUSED_METHODS:
            self._refuse(405, "method_not_allowed", "TRACE and CONNECT are not served; use the methods of /docs")
            return
        if len(self.pipeline) >= self.limits.pipelined:
            self._refused = True
            self._record("too_many_pipelined")
            self.transport.close()
            return
        if ABSOLUTE.match(self.url):
            self._take_authority()
        self.in_body = True
        self._body_bytes = 0
        self.waiting_since = self.loop.time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count the body."""
        self._progressed = True
        self._body_bytes += len(body)
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body."""
        self._progressed = True
        self.in_body = False
        self.waiting_since = self.loop.time()
        if not self._refused:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the rest of a body that was answered early."""
        self.served += 1
        self.waiting_since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser refuses."""
        self._refuse(400, "bad_request", MALFORMED)

    def displace(self) -> None:
        """End the connection in favour of a newer one."""
        self._record("displaced")
        self.transport.abort()

    def check(self, now: float) -> None:
        """End the connection if its client is too slow to send a request or to read a response."""
        if self._is_unread(now):
            self._record("unread_response")
            self.transport.abort()
        elif self.transport.is_closing():
            self._closing_since = self._closing_since or now
            if now - self._closing_since > self.limits.unread_seconds:
                self.transport.abort()
        elif self.cycle is None or self.cycle.response_complete:
            self._check_waiting(now - self.waiting_since)
        elif self.in_body and self.flow.read_paused:
            self.waiting_since = now  # the application reads slowly, not the client sends slowly
        elif self.in_body:
            allowed = self.limits.body_seconds + self._body_bytes / self.limits.body_bytes_per_second
            if now - self.waiting_since > allowed:
                self._refuse(408, "request_timeout", f"the body did not arrive within {allowed:.0f} s; send it faster")

    def _check_waiting(self, seconds: float) -> None:
        if self.in_body:
            if seconds > self.limits.discard_seconds:
                self.transport.abort()
        elif seconds > self.limits.header_seconds:
            allowed = self.limits.header_seconds
            reason = "" if self._has_received else IDLE
            self._refuse(408, "request_timeout", f"no complete request arrived within {allowed:.0f} s", reason)

    def _is_unread(self, now: float) -> bool:
        size = self.transport.get_write_buffer_size()
        if size == 0 or self._unread == 0 or size <= self._unread - UNREAD_STEP_BYTES:
            self._unread, self._unread_since = size, now
        return size > 0 and now - self._unread_since > self.limits.unread_seconds

    def _take_authority(self) -> None:
        # RFC 9112, 3.2.2: the host of an absolute request target replaces the Host header.
        try:
            authority = urlsplit(self.url).netloc
        except ValueError:
            authority = b""
        self.headers[:] = [header for header in self.headers if header[0] != b"host"] + [(b"host", authority)]

    def _refuse_headers(self) -> None:
        size, number = self.limits.header_bytes, self.limits.headers
        self._refuse(431, "headers_too_large", f"the headers exceed {size} bytes or {number} fields; send less")

    def _refuse(self, status: int, code: str, detail: str, reason: str = "") -> None:
        if self._refused:
            return
        self._refused = True
        self._record(reason or code)
        is_answered = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not self.transport.is_closing():
            if not is_answered:
                self.transport.write(_response(status, code, detail))
            self.transport.close()

    def _record(self, reason: str) -> None:
        self.refusals.record(reason, self.client[0] if self.client else "unknown")

    def _unsupported_upgrade_warning(self) -> None:
        # The request was answered as HTTP/1.1; what follows it would be read as another protocol.
        self._refused = True
        if self.cycle is not None:
            self.cycle.keep_alive = False


def _response(status: int, code: str, detail: str) -> bytes:
    body = problem_body(status, code, detail)
    fields = {
        b"content-type": MEDIA_TYPE.encode(),
        b"content-length": str(len(body)).encode(),
        b"connection": b"close",
        **DEFAULTS,
    }
    return STATUS_LINE[status] + b"".join(b"%s: %s\r\n" % pair for pair in fields.items()) + b"\r\n" + body
