"""A real HTTP server on a loopback port that records every request and answers as the test says."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from tests.support.ports import LOOPBACK


@dataclass(frozen=True)
class RecordedRequest:
    """One request as it arrived; header names are case-insensitive."""

    method: str
    path: str
    headers: httpx.Headers
    body: bytes

    def json(self) -> Any:  # Any: JSON
        """Return the decoded body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class StubResponse:
    """One answer of the stub."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_response(document: object, status: int = 200) -> StubResponse:
    """Return a response with a JSON body."""
    return StubResponse(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


# Called in the server's threads; None closes the connection without an answer.
Answer = Callable[[RecordedRequest], StubResponse | None]


class HTTPStub:
    """A running stub: its address and the requests so far."""

    def __init__(self, port: int, host: str = LOOPBACK) -> None:
        self.port = port
        self.host = host
        self.requests: list[RecordedRequest] = []

    @property
    def url(self) -> str:
        """Return the address of the stub, without a final slash."""
        return f"http://{self.host}:{self.port}"


@contextmanager
def http_stub(
    answer: Answer = lambda request: StubResponse(), port: int = 0, host: str = LOOPBACK
) -> Iterator[HTTPStub]:
    """Serve a stub until the block ends.

    Args:
        answer: Returns the response to a request; default: an empty 200.
        port: Where to listen, 0 for a free port.
        host: The address to listen on.
    """

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = RecordedRequest(self.command, self.path, httpx.Headers(self.headers.items()), body)
            stub.requests.append(request)
            response = answer(request)
            if response is None:
                self.close_connection = True
                return
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        do_GET = do_POST = do_PUT = do_DELETE = _handle

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            """Keep the output of the tests free of access logs."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    stub = HTTPStub(int(server.server_address[1]), host)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
