"""The metrics page that a monitor serves when no metrics service does."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HOST = "127.0.0.1"
POLL_SECONDS = 0.05
REQUEST_SECONDS = 5.0


class Page:
    """Serves one registry at /metrics, on this machine only, from threads that do not keep the process alive.

    Args:
        registry: What is shown.
        port: Where; taken at once, so that OSError comes from here.
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
        self._thread.join(timeout=1.0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a reader that went away."""


def _handler(registry: CollectorRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_SECONDS

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(200, CONTENT_TYPE, generate_latest(registry))
            elif path == "/health/live":
                self._answer(200, "application/json", b'{"status":"live"}')
            else:
                self._answer(404, "text/plain; charset=utf-8", b"The figures are at /metrics.\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Keep the trading bot's terminal quiet."""

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
