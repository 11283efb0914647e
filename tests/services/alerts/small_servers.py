"""Small real HTTP servers that stand on either side of the alerts service."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANG = 0
HANG_SECONDS = 2.0


@dataclass
class Figures:
    """What the metrics service would know; tests change it."""

    snapshot: dict[str, Any] = field(default_factory=dict)  # Any: JSON


@dataclass
class Inbox:
    """A receiver that answers as its script says and keeps what it was sent; HANG is no answer.

    `answers` are given in turn, the last for ever; with `at_first` they are for what comes again, and what comes with a
    key not seen before gets the next of `at_first`, round and round.
    """

    answers: list[int] = field(default_factory=lambda: [200])
    at_first: list[int] = field(default_factory=list)
    retry_after: str | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    headers: list[dict[str, str]] = field(default_factory=list)
    accepted: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    guard: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    def take(self, body: dict[str, Any], headers: dict[str, str]) -> int:
        with self.guard:
            answer = self._answer(str(body["key"]))
            self.seen.append(body)
            self.headers.append(headers)
            if HANG < answer < 300:
                self.accepted.append(body)
            return answer

    def _answer(self, key: str) -> int:
        known = {str(body["key"]) for body in self.seen}
        if self.at_first and key not in known:
            return self.at_first[len(known) % len(self.at_first)]
        return self.answers[min(len(self.seen), len(self.answers) - 1)]


@contextmanager
def serve_figures(figures: Figures) -> Iterator[str]:
    class Handler(Quiet):
        def do_GET(self) -> None:
            self.reply(200, json.dumps(figures.snapshot).encode())

    with serving(Handler) as url:
        yield url


@contextmanager
def serve_inbox(inbox: Inbox) -> Iterator[str]:
    class Handler(Quiet):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            status = inbox.take({**json.loads(raw), "_raw": raw.decode()}, dict(self.headers))
            if status == HANG:
                inbox.closing.wait(HANG_SECONDS)
                self.close_connection = True
                return
            self.reply(status, b"", {"Retry-After": inbox.retry_after} if inbox.retry_after else {})

    with serving(Handler) as url:
        yield f"{url}/hook"


class Quiet(BaseHTTPRequestHandler):
    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
        """Keep the tests' output clean."""


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
