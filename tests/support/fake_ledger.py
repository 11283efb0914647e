"""A fake of the metrics service's event ledger over real HTTP: accepts batches and stores each key once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.support.http_stub import RecordedRequest, StubResponse, http_stub, json_response

Event = dict[str, Any]  # Any: JSON
ACCEPTED = 202
HANG_SECONDS = 30.0


@dataclass
class FakeLedger:
    """What was accepted, and the faults that the test plants.

    Args:
        faults: Used up first, one per request: a status to answer with, or `lost` (the batch is stored, the answer is
            cut off).
        status: The answer to every request without a fault; only 202 stores.
        rejects: Event types that are answered as rejected, each with its code; they are not stored.
        retry_after_seconds: Until when rejected events are ahead of time, if their code is `in_the_future`.
        hang: While set to an unset event, a batch waits for it before it is answered.
    """

    url: str = ""
    port: int = 0
    batches: dict[str, list[Event]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    requests: int = 0
    faults: list[int | Literal["lost"]] = field(default_factory=list)
    status: int = ACCEPTED
    rejects: dict[str, str] = field(default_factory=dict)
    retry_after_seconds: float | None = None
    hang: threading.Event | None = None
    _sent: dict[str, list[Event]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def events(self) -> list[Event]:
        """Return the events of all batches in order of arrival, each batch key once."""
        return [event for events in list(self.batches.values()) for event in events]

    def of_type(self, kind: str) -> list[Event]:
        """Return the stored events of one type."""
        return [event for event in self.events if event["type"] == kind]

    def clear(self) -> None:
        """Forget everything that was stored."""
        self.batches.clear()
        self._sent.clear()
        self.keys.clear()
        self.tokens.clear()

    def answer(self, request: RecordedRequest) -> StubResponse | None:
        """Answer one request like the metrics service; an empty batch is a probe and is not stored."""
        if request.path != "/v1/events":
            return _problem(404, "not_found")
        events: list[Event] = request.json()
        if events and self.hang is not None:
            self.hang.wait(HANG_SECONDS)
        with self._lock:
            self.requests += 1
            fault = self.faults.pop(0) if self.faults else None
            status = fault if isinstance(fault, int) else self.status
            if status != ACCEPTED:
                return _problem(status, "unavailable")
            answer = self._store(request.headers["Seatrial-Batch"], request, events) if events else _accepted(0)
            return None if fault == "lost" else answer

    def _store(self, key: str, request: RecordedRequest, events: list[Event]) -> StubResponse:
        self.keys.append(key)
        self.tokens.append(request.headers.get("Authorization", ""))
        if key in self.batches:
            assert self._sent[key] == events, f"batch {key} changed between two requests"
            return _accepted(0)
        self._sent[key] = events
        self.batches[key] = [event for event in events if event["type"] not in self.rejects]
        rejected = [
            {
                "index": index,
                "code": self.rejects[event["type"]],
                "detail": "rejected by the test",
                "retry_after_seconds": self.retry_after_seconds,
            }
            for index, event in enumerate(events)
            if event["type"] in self.rejects
        ]
        return _accepted(len(events) - len(rejected), rejected)


@contextmanager
def fake_ledger(port: int = 0) -> Iterator[FakeLedger]:
    """Serve a fake ledger until the block ends, on a free port unless `port` says which."""
    ledger = FakeLedger()
    with http_stub(ledger.answer, port) as stub:
        ledger.url, ledger.port = stub.url, stub.port
        yield ledger


def _accepted(count: int, rejected: list[dict[str, Any]] | None = None) -> StubResponse:
    return json_response({"accepted": count, "duplicates": 0, "rejected": rejected or []}, ACCEPTED)


def _problem(status: int, code: str) -> StubResponse:
    return json_response({"code": code, "detail": "planted by the test", "request_id": "r"}, status)
