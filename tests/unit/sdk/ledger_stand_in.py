"""A metrics service small enough to read: it takes batches like the real one and remembers them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any


@dataclass
class Ledger:
    """What came in."""

    port: int = 0
    batches: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    status: int = 202
    rejected: list[dict[str, Any]] = field(default_factory=list)
    hang: threading.Event | None = None

    @property
    def url(self) -> str:
        """Return where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the events of all batches, each batch key once."""
        return [event for events in dict(self.batches).values() for event in events]

    @property
    def keys(self) -> list[str]:
        """Return the batch keys as they came."""
        return [key for key, _ in self.batches]


@contextmanager
def ledger(port: int = 0) -> Iterator[Ledger]:
    """Serve a stand-in on a free port, or on one that was free a moment ago."""
    state = Ledger()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/events":
                self._answer(404, {"code": "not_found", "detail": "", "request_id": "r"})
                return
            if body and state.hang is not None:
                state.hang.wait(30)
            if state.status != 202:
                self._answer(state.status, {"code": "unavailable", "detail": "away", "request_id": "r"})
                return
            if body:
                state.tokens.append(self.headers.get("Authorization", ""))
                state.batches.append((self.headers["Seatrial-Batch"], body))
            rejected = state.rejected if body else []
            self._answer(202, {"accepted": len(body) - len(rejected), "duplicates": 0, "rejected": rejected})

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with serving(Handler, port) as server_port:
        state.port = server_port
        yield state


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], port: int = 0) -> Iterator[int]:
    """Serve a handler in a thread and yield its port."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def eventually(claim: Callable[[], object], seconds: float = 5.0) -> bool:
    """Return whether a claim becomes true in time."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        if claim():
            return True
        sleep(0.02)
    return bool(claim())
