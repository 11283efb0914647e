"""Typed clients of our services: a timeout on every call, bounded retries, one error for every failure."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from time import sleep
from typing import Any

import httpx

from seatrial_core.errors import (
    BadRequest,
    BodyTooLarge,
    Conflict,
    Forbidden,
    NotFound,
    PeerUnreachable,
    SeatrialError,
    TooManyRequests,
    Unauthenticated,
    ValidationFailed,
)

TIMEOUT_SECONDS = 10.0
ATTEMPTS = 3
PAUSE_SECONDS = 0.2
PORTS = {"metrics": 9999, "alerts": 8002, "backtest": 8001, "stress": 8003, "engine": 5000, "console": 8000}

_BY_STATUS: dict[int, type[SeatrialError]] = {
    error.status: error
    for error in (
        BadRequest,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        BodyTooLarge,
        ValidationFailed,
        TooManyRequests,
    )
}


def service_url(service: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return where a service answers: SEATRIAL_<SERVICE>_URL, else its default port on this machine."""
    named = environment.get(f"SEATRIAL_{service.upper()}_URL")
    return (named or f"http://127.0.0.1:{PORTS[service]}").rstrip("/")


def find_token(environment: Mapping[str, str] = os.environ, start: Path | None = None) -> str:
    """Return the token to call with: SEATRIAL_TOKEN, the nearest .seatrial/token upwards, the user's, else none."""
    if environment.get("SEATRIAL_TOKEN"):
        return environment["SEATRIAL_TOKEN"]
    here = (start or Path.cwd()).resolve()
    candidates = [folder / ".seatrial" / "token" for folder in (here, *here.parents)]
    candidates.append(Path.home() / ".config" / "seatrial" / "token")
    for candidate in candidates:
        try:
            return candidate.read_text(encoding="utf-8").strip()
        except OSError:
            continue
    return ""


class ServiceClient:
    """Calls one service, blocking.

    Args:
        service: Its name; also names the peer in errors.
        url: Where it answers; None looks it up.
        token: The bearer token; None looks it up.
        timeout_seconds: Limit of one attempt.
        attempts: How often a call is tried that is safe to repeat (GET, PUT, DELETE, or a POST marked so).
        transport: Another httpx transport, for tests against an application in this process.
    """

    def __init__(
        self,
        service: str,
        *,
        url: str | None = None,
        token: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        attempts: int = ATTEMPTS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.service = service
        self.url = (url or service_url(service)).rstrip("/")
        self.attempts = attempts
        secret = find_token() if token is None else token
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._http = httpx.Client(base_url=self.url, timeout=timeout_seconds, headers=headers, transport=transport)

    def get(self, path: str, **params: Any) -> Any:  # Any: JSON
        """Return the JSON of a GET; parameters that are None are left out."""
        return self._call("GET", path, params={k: v for k, v in params.items() if v is not None})

    def post(
        self, path: str, body: Any = None, *, repeatable: bool = False, headers: dict[str, str] | None = None
    ) -> Any:
        """Return the JSON of a POST; only a repeatable one (it carries an idempotency key) is tried again."""
        return self._call("POST", path, json=body, headers=headers, attempts=self.attempts if repeatable else 1)

    def put(self, path: str, body: Any) -> Any:  # Any: JSON
        """Return the JSON of a PUT."""
        return self._call("PUT", path, json=body)

    def delete(self, path: str) -> Any:  # Any: JSON
        """Return the JSON of a DELETE."""
        return self._call("DELETE", path)

    def text(self, path: str) -> str:
        """Return the text of a GET, such as a metrics page."""
        return self._respond("GET", path, self.attempts, {}).text

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> "ServiceClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, method: str, path: str, *, attempts: int | None = None, **options: Any) -> Any:
        response = self._respond(method, path, attempts or self.attempts, options)
        return response.json() if response.content else None

    def _respond(self, method: str, path: str, attempts: int, options: dict[str, Any]) -> httpx.Response:
        last: Exception | None = None
        for attempt in range(attempts):
            if attempt:
                sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
            try:
                response = self._http.request(method, path, **options)
            except httpx.HTTPError as error:
                last = error
                continue
            if response.status_code >= 500 and attempt + 1 < attempts:
                last = error_of(response, self.service)
                continue
            raise_for(response, self.service)
            return response
        raise unreachable(self.service, self.url, last)


class AsyncServiceClient:
    """Calls one service from an event loop; the same rules as `ServiceClient`.

    Args:
        service: Its name.
        url: Where it answers.
        token: The bearer token, empty for none.
        timeout_seconds: Limit of one attempt.
        count: Called with (peer, outcome) after every attempt, for `peer_calls_total`.
        transport: Another httpx transport, for tests.
    """

    def __init__(
        self,
        service: str,
        *,
        url: str,
        token: str = "",
        timeout_seconds: float = TIMEOUT_SECONDS,
        count: Callable[[str, str], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.service = service
        self.url = url.rstrip("/")
        self._count = count or (lambda peer, outcome: None)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(base_url=self.url, timeout=timeout_seconds, headers=headers, transport=transport)

    async def request(
        self, method: str, path: str, *, body: Any = None, params: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        """Make one attempt and return its JSON; who calls decides whether to try again.

        Raises:
            PeerUnreachable: No answer, or an answer with status 500 and above.
            SeatrialError: The error that the service answered.
        """
        try:
            response = await self._http.request(method, path, json=body, params=params, headers=headers)
        except httpx.HTTPError as error:
            self._count(self.service, "unreachable")
            raise unreachable(self.service, self.url, error) from error
        self._count(self.service, "ok" if response.status_code < 400 else "refused")
        raise_for(response, self.service)
        return response.json() if response.content else None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def unreachable(service: str, url: str, error: Exception | None) -> PeerUnreachable:
    """Return the error for a service that does not answer, saying what to do."""
    why = f" ({error or type(error).__name__})" if error is not None else ""
    return PeerUnreachable(
        f"the {service} service does not answer at {url}{why}; start it with `seatrial up`, or set "
        f"SEATRIAL_{service.upper()}_URL to where it runs"
    )


def raise_for(response: httpx.Response, service: str) -> None:
    """Raise the error that a response stands for, if it is one."""
    if response.status_code >= 400:
        raise error_of(response, service)


def error_of(response: httpx.Response, service: str) -> SeatrialError:
    """Return the error that a response stands for."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    detail = problem.get("detail") if isinstance(problem, dict) else None
    kind = _BY_STATUS.get(response.status_code, PeerUnreachable if response.status_code >= 500 else SeatrialError)
    return kind(f"{service}: {detail or f'answered {response.status_code}'}")
