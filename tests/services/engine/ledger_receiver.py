"""A tiny real HTTP server in the place of the metrics service: keeps batches by key, as the real one does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Ledger:
    """What was taken, once a batch key; `troubles` are met first, one a request.

    A trouble is a status to answer with, or `lost`: the batch is taken, the answer is cut off.
    """

    def __init__(self) -> None:
        self.batches: dict[str, list[dict[str, Any]]] = {}
        self.order: list[str] = []
        self.troubles: list[int | str] = []
        self.requests = 0
        self.reject: str | None = None
        self.url = ""

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return every event that was taken, in order."""
        return [event for key in self.order for event in self.batches[key]]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a type."""
        return [event for event in self.events if event["type"] == kind]

    def take(self, key: str, events: list[dict[str, Any]]) -> dict[str, Any]:
        """Take a batch, once."""
        repeated = key in self.batches
        if repeated:
            assert self.batches[key] == events, "a parcel changed between two sendings"
        else:
            self.batches[key] = events
            self.order.append(key)
        refused = [
            {"index": index, "code": "invalid_event", "detail": "no"}
            for index, event in enumerate(events)
            if event["type"] == self.reject
        ]
        return {"accepted": 0 if repeated else len(events), "duplicates": 0, "rejected": refused}


@contextmanager
def ledger_receiver() -> Iterator[Ledger]:
    """Serve until the block ends."""
    ledger = Ledger()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            ledger.requests += 1
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            trouble = ledger.troubles.pop(0) if ledger.troubles else None
            if isinstance(trouble, int):
                self._answer(trouble, {"detail": "trouble"})
                return
            answer = ledger.take(self.headers["Seatrial-Batch"], body)
            self.close_connection = trouble == "lost"
            if trouble != "lost":
                self._answer(202, answer)

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ledger.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield ledger
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
