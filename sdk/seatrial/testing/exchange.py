"""A stub of an HTTP exchange on this machine that answers with given statuses."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class ExchangeStub:
    """The stub's address, and the requests it received."""

    url: str = ""
    requests: list[str] = field(default_factory=list)


@contextmanager
def exchange(*statuses: int) -> Iterator[ExchangeStub]:
    """Serve one status per request until the block ends; the last one is repeated."""
    stub = ExchangeStub()

    class ExchangeHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self._answer()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Keep the test's output readable."""

        def _answer(self) -> None:
            stub.requests.append(f"{self.command} {self.path}")
            status = statuses[min(len(stub.requests), len(statuses)) - 1]
            document = {"ok": True} if status < 400 else {"detail": "the order is too small", "code": "refused"}
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), ExchangeHandler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
