"""The metrics page that a monitor serves if no metrics service answers; docs/adr/0010 says why not the library's."""

import ipaddress
import os
import socket
import struct
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, generate_latest

from seatrial_core.addresses import is_loopback_host

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HOST = "127.0.0.1"
POLL_SECONDS = 0.05
REQUEST_SECONDS = 5.0
IDLE_SECONDS = 120.0
CLIENT_CLOSE_SECONDS = 0.5
HOSTS_VARIABLE = "SEATRIAL_ALLOWED_HOSTS"
# The name by which a Prometheus in a container reaches this machine.
DOCKER_HOST = "host.docker.internal"
WRONG_HOST = b"This page answers for localhost and IP addresses; further names are in SEATRIAL_ALLOWED_HOSTS.\n"
MAX_BODY_BYTES = 1 << 22
MAX_CONNECTIONS = 32  # each has a thread in the bot's process

Connection = socket.socket | tuple[bytes, socket.socket]


class MetricsPage:
    """Serves one registry at /metrics on the loopback address, in daemon threads.

    Args:
        registry: The metrics to show.
        port: The port, bound at once.

    Raises:
        OSError: The port is in use.
    """

    def __init__(self, registry: CollectorRegistry, port: int) -> None:
        self._server = _Server((HOST, port), _handler(registry))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), name="seatrial-metrics-page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._server.reset_connections()
        self._thread.join(timeout=1.0)


def is_accepted_host(headers: list[str], names: str | None = None) -> bool:
    """Return whether a request's Host headers name this page; one of a web page that rebinds its name does not.

    Args:
        headers: The values of all Host headers; without any, the client is no browser.
        names: Further names, separated by commas; None reads SEATRIAL_ALLOWED_HOSTS.
    """
    if len(headers) != 1:
        return not headers
    try:
        host = (urlsplit(f"//{headers[0]}").hostname or "").rstrip(".")
    except ValueError:
        return False
    configured = os.environ.get(HOSTS_VARIABLE, "") if names is None else names
    further = {name.strip().lower() for name in configured.split(",")}
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return is_loopback_host(host) or host == DOCKER_HOST or (host != "" and host in further)


class _Server(ThreadingHTTPServer):
    """Frees its port at once: clients close first, because the side that does keeps the port in TIME_WAIT."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.is_closing = False
        self._open = 0
        self._connections: list[socket.socket] = []
        self._changed = threading.Condition()
        super().__init__(address, handler)

    def process_request(self, request: Connection, client_address: Any) -> None:  # Any: as in the base class
        assert isinstance(request, socket.socket)
        with self._changed:
            self._open += 1
            self._connections.append(request)
            oldest = self._connections.pop(0) if len(self._connections) > MAX_CONNECTIONS else None
        if oldest is not None:
            with suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Connection) -> None:
        assert isinstance(request, socket.socket)
        with suppress(OSError):
            if self.is_closing:  # reset what a client keeps open between two requests
                request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                request.settimeout(CLIENT_CLOSE_SECONDS)
                request.recv(1)
        if self.is_closing:
            request.close()
        else:
            super().shutdown_request(request)
        with self._changed:
            self._open -= 1
            with suppress(ValueError):
                self._connections.remove(request)
            self._changed.notify_all()

    def handle_error(self, request: Connection, client_address: Any) -> None:  # Any: as in the base class
        """Ignore a client that closed its connection."""

    def reset_connections(self) -> None:
        """Reset the open connections and wait until they are closed."""
        self.is_closing = True
        with self._changed:
            self._changed.wait_for(lambda: self._open == 0, CLIENT_CLOSE_SECONDS)


def _handler(registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    class MetricsPageHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            assert isinstance(self.server, _Server)
            self.connection.settimeout(POLL_SECONDS)
            for _ in range(int(IDLE_SECONDS / POLL_SECONDS)):
                if self.server.is_closing:
                    self.close_connection = True
                    return
                with suppress(TimeoutError):
                    self.connection.recv(1, socket.MSG_PEEK)
                    break
            self.connection.settimeout(REQUEST_SECONDS)
            super().handle_one_request()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if not is_accepted_host(self.headers.get_all("Host", [])):
                self._answer(421, "text/plain; charset=utf-8", WRONG_HOST)
            elif path == "/metrics":
                self._answer(200, CONTENT_TYPE, generate_latest(registry))
            elif path == "/health/live":
                self._answer(200, "application/json", b'{"status":"live"}')
            else:
                self._answer(404, "text/plain; charset=utf-8", b"The metrics are at /metrics.\n")

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdigit() or int(length) > MAX_BODY_BYTES:
                self.close_connection = True
            else:
                self.rfile.read(int(length))
            self._answer(404, "text/plain; charset=utf-8", b"Send events to the metrics service, not to this page.\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            """Keep access logs out of the bot's terminal."""

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

    return MetricsPageHandler
