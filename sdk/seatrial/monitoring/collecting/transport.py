"""Sends batches to the metrics service, after it has checked what answers at the address."""

import importlib
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import httpx

from seatrial.monitoring.collecting.spill import RecordBatch
from seatrial_core.addresses import connectable
from seatrial_core.clients import http_options
from seatrial_core.contracts.events import BATCH_HEADER, IN_THE_FUTURE
from seatrial_core.errors import StackNotRunning
from seatrial_core.json_types import Json

EVENTS_PATH = "/v1/events"
PROBE_SECONDS = 1.0
MAX_HOLD_SECONDS = 30.0  # not longer, because the clock may be corrected
# The modules that httpx imports at its first request.
LATE_MODULES = (
    *("anyio", "certifi", "encodings.idna", "h11", "httpcore", "stringprep"),
    *("importlib.readers", "importlib.resources._itertools", "importlib.resources.readers"),
)


class Peer(StrEnum):
    """What answers at an address: the metrics service, another program, or nothing."""

    SERVICE = "service"
    OTHER = "other"
    NONE = "none"


@dataclass(frozen=True)
class SendResult:
    """The result of sending one batch.

    Args:
        is_final: The service has committed the batch, or will never accept it; it must not be sent again.
        rejected: The reason of each event that was not accepted.
        held_indices: The events to send again, because their time is ahead of the service's clock.
        hold_seconds: The time until the first of them is accepted.
        problem: Why the batch must be sent again later; empty if the result is final.
    """

    is_final: bool
    rejected: tuple[str, ...] = ()
    held_indices: tuple[int, ...] = ()
    hold_seconds: float = 0.0
    problem: str = ""


def prepare() -> None:
    """Import what a request needs now: a fork during the first request would copy half-imported modules."""
    for name in LATE_MODULES:
        with suppress(ImportError):  # not every version of Python and httpx has all of them
            importlib.import_module(name)


def identify(url: str, timeout_seconds: float = PROBE_SECONDS) -> Peer:
    """Return what answers at an address; sends no token."""
    try:
        with _client(connectable(url), None, timeout_seconds) as http:
            response = http.post(EVENTS_PATH, json=[])
    except httpx.ConnectError:
        return Peer.NONE
    except httpx.TimeoutException:  # with a hanging database only the liveness check answers
        return _identify_by_liveness(url, timeout_seconds)
    except httpx.HTTPError:
        return Peer.OTHER
    return Peer.SERVICE if _is_metrics_response(response) else Peer.OTHER


class Transport:
    """A connection to one metrics service; another program at its address receives neither token nor events.

    Args:
        url: The address of the service.
        auth: Adds the bearer token to each request; None sends none.
        timeout_seconds: Timeout of each step of one request.
    """

    def __init__(self, url: str, auth: httpx.Auth | None, timeout_seconds: float = 5.0) -> None:
        self.url = connectable(url)
        self._http = _client(self.url, auth, timeout_seconds)
        self._is_identified = False

    def send(self, batch: RecordBatch) -> SendResult:
        """Send a batch once."""
        if not self._is_identified:
            peer = identify(self.url)
            if peer is not Peer.SERVICE:
                return SendResult(False, problem=_describe_peer(peer, self.url))
            self._is_identified = True
        try:
            response = self._http.post(EVENTS_PATH, json=batch.events, headers={BATCH_HEADER: batch.key})
        except StackNotRunning as error:
            self._is_identified = False
            return SendResult(False, problem=str(error))
        except httpx.HTTPError as error:
            self._is_identified = False
            return SendResult(
                False, problem=f"the metrics service at {self.url} does not answer ({type(error).__name__})"
            )
        result = read(response, batch, self.url)
        self._is_identified = result.is_final
        return result

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def read(response: httpx.Response, batch: RecordBatch, url: str) -> SendResult:
    """Return the result of a batch from the response of the service at `url`."""
    body = _body(response)
    if response.status_code == 202 and isinstance(body.get("accepted"), int):
        return _partly(body.get("rejected"), len(batch.events))
    if response.status_code in (400, 409, 413, 422) and "code" in body:
        return SendResult(True, (str(body["code"]),) * len(batch.events))
    detail = body.get("detail") or f"status {response.status_code}"
    return SendResult(False, problem=f"the metrics service at {url} does not accept events: {detail}")


def _partly(rejected: object, count: int) -> SendResult:
    items = [item for item in rejected if isinstance(item, dict)] if isinstance(rejected, list) else []
    ahead = {
        item["index"]: item.get("retry_after_seconds")
        for item in items
        if item.get("code") == IN_THE_FUTURE and item.get("index") in range(count)
    }
    waits = [seconds for seconds in ahead.values() if isinstance(seconds, int | float)]
    codes = [str(item.get("code", "refused")) for item in items if item.get("index") not in ahead]
    return SendResult(True, tuple(codes), tuple(sorted(ahead)), min(waits, default=MAX_HOLD_SECONDS))


def _client(url: str, auth: httpx.Auth | None, timeout_seconds: float) -> httpx.Client:
    return httpx.Client(base_url=url, auth=auth, timeout=timeout_seconds, **http_options(url))


def _identify_by_liveness(url: str, timeout_seconds: float) -> Peer:
    try:
        with _client(connectable(url), None, timeout_seconds) as http:
            return Peer.SERVICE if _body(http.get("/health/live")) == {"status": "live"} else Peer.OTHER
    except httpx.HTTPError:
        return Peer.OTHER


def _is_metrics_response(response: httpx.Response) -> bool:
    body = _body(response)
    if response.status_code == 202:
        return "accepted" in body and "duplicates" in body
    return response.status_code not in (404, 405) and {"code", "detail", "request_id"} <= body.keys()


def _body(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _describe_peer(peer: Peer, url: str) -> str:
    if peer is Peer.OTHER:
        return f"{url} is not Seatrial's metrics service, but a monitor's page or another program"
    return f"no metrics service answers at {url}"
