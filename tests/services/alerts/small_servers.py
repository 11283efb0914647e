"""The peers of the alerts service over real HTTP: the metrics service and a webhook receiver."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from tests.support.http_stub import RecordedRequest, StubResponse, http_stub, json_response

HANG = 0
HANG_SECONDS = 2.0


@dataclass
class Figures:
    """The snapshot that the metrics service answers; tests change it."""

    snapshot: dict[str, Any] = field(default_factory=dict)  # Any: JSON


@dataclass
class Inbox:
    """A receiver that answers by a script and records the requests; HANG gives no answer.

    `answers` are used in turn, the last one repeatedly. With `at_first`, a key that was not received before gets the
    next of `at_first`, in a cycle, and repeated keys get `answers`.
    """

    answers: list[int] = field(default_factory=lambda: [200])
    at_first: list[int] = field(default_factory=list)
    retry_after: str | None = None
    received: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    headers: list[httpx.Headers] = field(default_factory=list)
    accepted: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    guard: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    def take(self, body: dict[str, Any], headers: httpx.Headers) -> int:
        with self.guard:
            answer = self._answer(str(body["key"]))
            self.received.append(body)
            self.headers.append(headers)
            if HANG < answer < 300:
                self.accepted.append(body)
            return answer

    def _answer(self, key: str) -> int:
        keys = {str(body["key"]) for body in self.received}
        if self.at_first and key not in keys:
            return self.at_first[len(keys) % len(self.at_first)]
        return self.answers[min(len(self.received), len(self.answers) - 1)]


@contextmanager
def serve_figures(figures: Figures) -> Iterator[str]:
    with http_stub(lambda request: json_response(figures.snapshot)) as stub:
        yield stub.url


@contextmanager
def serve_inbox(inbox: Inbox) -> Iterator[str]:
    def answer(request: RecordedRequest) -> StubResponse | None:
        status = inbox.take({**request.json(), "_raw": request.body.decode()}, request.headers)
        if status == HANG:
            inbox.closing.wait(HANG_SECONDS)
            return None
        return StubResponse(status, headers={"Retry-After": inbox.retry_after} if inbox.retry_after else {})

    with http_stub(answer) as stub:
        yield f"{stub.url}/hook"
