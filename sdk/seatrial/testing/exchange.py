"""A small HTTP exchange on this machine that answers what a test tells it to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class ExchangeStub:
    """Where the exchange answers, and what it was asked."""

    url: str = ""
    requests: list[str] = field(default_factory=list)


@contextmanager
def exchange(*statuses: int) -> Iterator[ExchangeStub]:
    """Serve one answer a status, the last one again and again; stops at the end of the block."""
    asked = ExchangeStub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self._answer()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Keep the test's output readable."""

        def _answer(self) -> None:
            asked.requests.append(f"{self.command} {self.path}")
            status = statuses[min(len(asked.requests), len(statuses)) - 1]
            document = {"ok": True} if status < 400 else {"detail": "the order is too small", "code": "refused"}
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    asked.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
