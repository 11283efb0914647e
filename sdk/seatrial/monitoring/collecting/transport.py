"""The line to the metrics service: who answers at an address, and what became of one batch."""

import importlib
import ipaddress
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx

from seatrial.monitoring.collecting.spill import RecordBatch
from seatrial_core.contracts.events import BATCH_HEADER

EVENTS_PATH = "/v1/events"
PROBE_SECONDS = 1.0
# What httpx imports at its first request only.
LATE_MODULES = (
    *("anyio", "certifi", "encodings.idna", "h11", "httpcore", "stringprep"),
    *("importlib.readers", "importlib.resources._itertools", "importlib.resources.readers"),
)


class Peer(StrEnum):
    """Who answers at an address."""

    SERVICE = "service"
    STRANGER = "stranger"
    NOBODY = "nobody"


@dataclass(frozen=True)
class SendResult:
    """What became of a batch.

    Args:
        taken: The service has committed it (events it rejected included), or will never take it.
        rejected: The reason of each event that was not taken.
        problem: Why the batch must be sent again later; empty when it was taken.
    """

    taken: bool
    rejected: tuple[str, ...] = ()
    problem: str = ""


def prepare() -> None:
    """Import what a request needs, so that no thread does at its first one: a fork would copy half a module."""
    for name in LATE_MODULES:
        with suppress(ImportError):  # not every version of Python and httpx has all
            importlib.import_module(name)


def identify(url: str, timeout_seconds: float = PROBE_SECONDS) -> Peer:
    """Tell whether Seatrial's metrics service answers at an address; no token is shown to a stranger."""
    try:
        with _client(url, "", timeout_seconds) as http:
            response = http.post(EVENTS_PATH, json=[])
    except httpx.ConnectError:
        return Peer.NOBODY
    except httpx.TimeoutException:  # a service whose database hangs takes no events, but says that it lives
        return _who_lives_at(url, timeout_seconds)
    except httpx.HTTPError:
        return Peer.STRANGER
    return Peer.SERVICE if _speaks_ours(response) else Peer.STRANGER


class Transport:
    """A connection to one metrics service; a stranger at its address never sees the token or an event.

    Args:
        url: Where the service should be.
        token: The bearer token, empty for none.
        timeout_seconds: Limit of each step of one attempt.
    """

    def __init__(self, url: str, token: str, timeout_seconds: float = 5.0) -> None:
        self.url = url
        self._http = _client(url, token, timeout_seconds)
        self._known = False

    def send(self, batch: RecordBatch) -> SendResult:
        """Send a batch once."""
        if not self._known:
            peer = identify(self.url)
            if peer is not Peer.SERVICE:
                return SendResult(False, problem=_absent(peer, self.url))
            self._known = True
        try:
            response = self._http.post(EVENTS_PATH, json=batch.events, headers={BATCH_HEADER: batch.key})
        except httpx.HTTPError as error:
            self._known = False
            return SendResult(
                False, problem=f"the metrics service at {self.url} does not answer ({type(error).__name__})"
            )
        answer = read(response, batch, self.url)
        self._known = answer.taken
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def read(response: httpx.Response, batch: RecordBatch, url: str) -> SendResult:
    """Return what a response says about the batch it answers."""
    body = _body(response)
    if response.status_code == 202 and isinstance(body.get("accepted"), int):
        rejected = body.get("rejected")
        codes = [str(item.get("code", "refused")) for item in rejected] if isinstance(rejected, list) else []
        return SendResult(True, tuple(codes))
    if response.status_code in (400, 409, 413, 422) and "code" in body:
        return SendResult(True, (str(body["code"]),) * len(batch.events))
    said = body.get("detail") or f"status {response.status_code}"
    return SendResult(False, problem=f"the metrics service at {url} does not take events: {said}")


def _client(url: str, token: str, timeout_seconds: float) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # A proxy of the environment cannot reach this machine's own loopback.
    return httpx.Client(base_url=url, headers=headers, timeout=timeout_seconds, trust_env=not _is_loopback(url))


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _who_lives_at(url: str, timeout_seconds: float) -> Peer:
    try:
        with _client(url, "", timeout_seconds) as http:
            return Peer.SERVICE if _body(http.get("/health/live")) == {"status": "live"} else Peer.STRANGER
    except httpx.HTTPError:
        return Peer.STRANGER


def _speaks_ours(response: httpx.Response) -> bool:
    body = _body(response)
    if response.status_code == 202:
        return "accepted" in body and "duplicates" in body
    return response.status_code not in (404, 405) and {"code", "detail", "request_id"} <= body.keys()


def _body(response: httpx.Response) -> dict[str, Any]:  # Any: JSON
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _absent(peer: Peer, url: str) -> str:
    if peer is Peer.STRANGER:
        return f"what answers at {url} is not Seatrial's metrics service"
    return f"no metrics service answers at {url}"
