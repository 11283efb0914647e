"""Typed clients of our services: a timeout on every call, bounded retries, one error for every failure."""

import os
import ssl
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from seatrial_core import running_stack
from seatrial_core.addresses import LOOPBACK_ORIGIN_HOST, Origin, connectable, is_loopback_url, origin
from seatrial_core.backoff import ExponentialBackoff
from seatrial_core.errors import (
    BadRequest,
    BodyTooLarge,
    Conflict,
    Forbidden,
    NotFound,
    PeerUnreachable,
    SeatrialError,
    StackNotRunning,
    TooManyRequests,
    Unauthenticated,
    ValidationFailed,
)
from seatrial_core.private_files import is_own
from seatrial_core.redaction import redact, redact_url

TIMEOUT_SECONDS = 10.0
ATTEMPTS = 3
BACKOFF = ExponentialBackoff(first_seconds=0.2, max_seconds=5.0)
PORTS = {"metrics": 9999, "alerts": 8002, "backtest": 8001, "stress": 8003, "engine": 5000, "console": 8000}
PORT_VARIABLES = ("MONITORING_PORT", *(f"SEATRIAL_{service.upper()}_PORT" for service in PORTS))
Model = TypeVar("Model", bound=BaseModel)
QueryValue = str | int | float | bool | None

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
    """Return the URL of a service: SEATRIAL_<SERVICE>_URL, else its default port on this machine."""
    configured = environment.get(f"SEATRIAL_{service.upper()}_URL")
    return connectable((configured or f"http://127.0.0.1:{PORTS[service]}").rstrip("/"))


def find_token(environment: Mapping[str, str] = os.environ, start: Path | None = None) -> str:
    """Return SEATRIAL_TOKEN, else the nearest .seatrial/token upwards, else the user's token, else an empty text."""
    return _find(environment, start).text


@dataclass(frozen=True)
class _FoundToken:
    text: str = field(repr=False)
    stack: Path | None = None  # the .seatrial folder it was found in


def _find(environment: Mapping[str, str], start: Path | None) -> _FoundToken:
    if environment.get("SEATRIAL_TOKEN"):
        return _FoundToken(environment["SEATRIAL_TOKEN"])
    here = (start or Path.cwd()).resolve()
    candidates = [folder / ".seatrial" / "token" for folder in (here, *here.parents)]
    candidates.append(Path.home() / ".config" / "seatrial" / "token")
    for candidate in candidates:
        try:
            if not is_own(candidate.parent):  # planted by another account, such as in /tmp
                continue
            text = candidate.read_text(encoding="utf-8").strip()
        except OSError:
            continue
        return _FoundToken(text, candidate.parent if candidate.parent.name == ".seatrial" else None)
    return _FoundToken("")


def token_for(
    url: str, environment: Mapping[str, str] = os.environ, start: Path | None = None, *, is_named: bool = False
) -> str:
    """Return the token to send to `url` now if it is an address of this stack, else an empty text.

    A token found in `.seatrial` belongs to the addresses at which that stack runs, and to a SEATRIAL_<SERVICE>_URL of
    another machine, such as a proxy of it. A configured token belongs to SEATRIAL_<SERVICE>_URL,
    SEATRIAL_<SERVICE>_PORT and the default ports on this machine. A token for another address is given explicitly, by
    the parameter or option that asks for it.

    Args:
        url: The address that is called.
        environment: The variables to read.
        start: The folder to search upwards from; None takes the working folder.
        is_named: The user's program has named the address, so a configured token may be sent to it.

    Raises:
        StackNotRunning: The token of the address is that of a stack which does not run.
    """
    token = _find(environment, start)
    target = origin(url)
    if not token.text or target is None:
        return ""
    own = _own_origins(environment)
    if token.stack is None:
        return token.text if is_named or target in own else ""
    is_configured = target in own
    try:
        running = running_stack.addresses(token.stack)
    except StackNotRunning:
        if is_named or is_configured:
            raise
        return ""
    is_elsewhere = is_configured and not is_loopback_url(url)
    return token.text if target in running or is_elsewhere else ""


def account_token(
    url: str, environment: Mapping[str, str] = os.environ, start: Path | None = None, *, is_named: bool = False
) -> str:
    """Return the token that names the account of events for `url`, whether the stack runs or not; never send it."""
    return find_token(environment, start) if is_named or origin(url) in _own_origins(environment) else ""


class StackAuth(httpx.Auth):
    """Adds the token of `token_for` to each request, so that it is not sent after the end of the stack.

    Args:
        url: The address that is called.
        is_named: As in `token_for`.
    """

    def __init__(self, url: str, *, is_named: bool = False) -> None:
        self._url = url
        self._is_named = is_named
        self._start = Path.cwd()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header to one request."""
        token = token_for(self._url, start=self._start, is_named=self._is_named)
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        yield request


def http_options(url: str) -> dict[str, Any]:  # Any: options of httpx
    """Return what every HTTP client of ours has in common.

    A redirect is never followed, because it could carry the token elsewhere. Proxies of the environment are not used
    for this machine: a proxy would read the token, and another machine's loopback interface is not this one's.
    """
    return {"follow_redirects": False, "trust_env": not is_loopback_url(url)}


def _own_origins(environment: Mapping[str, str]) -> set[Origin | None]:
    urls = [service_url(service, environment) for service in PORTS]
    ports = {environment.get(name, "") for name in PORT_VARIABLES}
    urls += [f"http://{LOOPBACK_ORIGIN_HOST}:{port}" for port in ports if port.isdigit()]
    return {origin(url) for url in urls} - {None}


class ServiceClient:
    """A blocking client of one service.

    Args:
        service: The name of the service.
        url: Its base URL; None uses `service_url`.
        token: The bearer token; None uses `token_for` at each request, an empty text sends none.
        timeout_seconds: The limit of one attempt (> 0).
        attempts: The limit of attempts (>= 1) for calls that are safe to repeat: GET, and a POST that is marked
            repeatable.
        transport: The httpx transport; None uses the network.
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
        self.url = connectable((url or service_url(service)).rstrip("/"))
        self.attempts = attempts
        self._http = httpx.Client(
            base_url=self.url,
            timeout=timeout_seconds,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            auth=StackAuth(self.url) if token is None else None,
            transport=transport,
            **http_options(self.url),
        )

    def fetch(self, path: str, model: type[Model], **params: QueryValue) -> Model:
        """Return the response of a GET as a contract model; parameters that are None are left out.

        Raises:
            PeerUnreachable: No response, a status of 500 and above, or a body that is not such a model.
            SeatrialError: The error that the service responded with.
        """
        return _parse(model, self._get(path, params), self.service)

    def fetch_list(self, path: str, model: type[Model], **params: QueryValue) -> list[Model]:
        """Return the response of a GET, a JSON array, as a list of a contract model.

        Raises:
            PeerUnreachable: No response, a status of 500 and above, or a body that is not such an array.
            SeatrialError: The error that the service responded with.
        """
        return _parse_list(model, self._get(path, params), self.service)

    def submit(self, path: str, request: BaseModel, model: type[Model], *, repeatable: bool = False) -> Model:
        """Return the response of a POST as a contract model; only a repeatable one is tried again.

        Raises:
            PeerUnreachable: No response, a status of 500 and above, or a body that is not such a model.
            SeatrialError: The error that the service responded with.
        """
        body = request.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return _parse(model, self._post(path, body, repeatable=repeatable), self.service)

    def get(self, path: str, **params: QueryValue) -> JsonValue:
        """Return the JSON of a GET whose response has no contract model; parameters that are None are left out.

        Raises:
            PeerUnreachable: No response, a status of 500 and above, or a body that is not JSON.
            SeatrialError: The error that the service responded with.
        """
        return _decode(self._get(path, params), self.service)

    def post(
        self, path: str, body: object = None, *, repeatable: bool = False, headers: dict[str, str] | None = None
    ) -> JsonValue:
        """Return the JSON of a POST whose response has no contract model; only a repeatable one is tried again.

        Raises:
            PeerUnreachable: No response, a status of 500 and above, or a body that is not JSON.
            SeatrialError: The error that the service responded with.
        """
        return _decode(self._post(path, body, repeatable=repeatable, headers=headers), self.service)

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

    def _get(self, path: str, params: Mapping[str, QueryValue]) -> httpx.Response:
        options = {"params": {name: value for name, value in params.items() if value is not None}}
        return self._respond("GET", path, self.attempts, options)

    def _post(
        self, path: str, body: object, *, repeatable: bool, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        return self._respond("POST", path, self.attempts if repeatable else 1, {"json": body, "headers": headers})

    def _respond(self, method: str, path: str, attempts: int, options: dict[str, Any]) -> httpx.Response:  # Any: httpx
        last: Exception | None = None
        for attempt in range(attempts):
            if attempt:
                sleep(BACKOFF.pause_seconds(attempt))
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
    """An asyncio client of one service; it never retries.

    Args:
        service: The name of the service.
        url: Its base URL.
        token: The bearer token, empty for none.
        timeout_seconds: The limit of one attempt (> 0).
        count: Called with (peer, outcome) after every attempt, for `peer_calls_total`; the outcome is "ok", "refused"
            or "unreachable".
        tls: How the server's certificate is verified; None uses the authorities of the system.
        transport: The httpx transport; None uses the network.
    """

    def __init__(
        self,
        service: str,
        *,
        url: str,
        token: str = "",
        timeout_seconds: float = TIMEOUT_SECONDS,
        count: Callable[[str, str], None] | None = None,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.service = service
        self.url = connectable(url.rstrip("/"))
        self._count = count or (lambda peer, outcome: None)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(
            base_url=self.url,
            timeout=timeout_seconds,
            headers=headers,
            transport=transport,
            verify=True if tls is None else tls,
            **http_options(self.url),
        )

    async def fetch(
        self, method: str, path: str, model: type[Model], *, body: object = None, headers: dict[str, str] | None = None
    ) -> Model:
        """Make one attempt and return the response as a contract model.

        Raises:
            PeerUnreachable: No response, a status of 500 and above, or a body that is not such a model.
            SeatrialError: The error that the service responded with.
        """
        return _parse(model, await self._respond(method, path, {"json": body, "headers": headers}), self.service)

    async def request(
        self, method: str, path: str, *, body: object = None, params: Mapping[str, QueryValue] | None = None
    ) -> JsonValue:
        """Make one attempt and return the JSON of the response; for engines that may not follow our contracts.

        Raises:
            PeerUnreachable: No response, a status of 500 and above, or a body that is not JSON.
            SeatrialError: The error that the service responded with.
        """
        return _decode(await self._respond(method, path, {"json": body, "params": params}), self.service)

    async def _respond(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:  # Any: httpx's options
        try:
            response = await self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            self._count(self.service, "unreachable")
            raise unreachable(self.service, self.url, error) from error
        self._count(self.service, "ok" if response.status_code < 400 else "refused")
        raise_for(response, self.service)
        return response

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def unreachable(service: str, url: str, error: Exception | None) -> PeerUnreachable:
    """Return the error for a service that does not respond."""
    reason = f" ({redact(str(error)) or type(error).__name__})" if error is not None else ""
    return PeerUnreachable(
        f"the {service} service does not answer at {redact_url(url)}{reason}; start it with `seatrial up`, or set "
        f"SEATRIAL_{service.upper()}_URL to where it runs"
    )


def raise_for(response: httpx.Response, service: str) -> None:
    """Raise the error in a response with a status of 400 and above."""
    if response.status_code >= 400:
        raise error_of(response, service)


def error_of(response: httpx.Response, service: str) -> SeatrialError:
    """Return the error in a response, by its status and problem details."""
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    detail = problem.get("detail") if isinstance(problem, dict) else None
    kind = _BY_STATUS.get(response.status_code, PeerUnreachable if response.status_code >= 500 else SeatrialError)
    return kind(f"{service}: {detail or f'answered {response.status_code}'}")


def _parse(model: type[Model], response: httpx.Response, service: str) -> Model:
    try:
        return model.model_validate(_decode(response, service))
    except ValidationError as error:
        raise PeerUnreachable(f"the response of the {service} service is not a {model.__name__}: {error}") from error


def _parse_list(model: type[Model], response: httpx.Response, service: str) -> list[Model]:
    try:
        return TypeAdapter(list[model]).validate_python(_decode(response, service))  # type: ignore[valid-type]
    except ValidationError as error:
        name = model.__name__
        raise PeerUnreachable(f"the response of the {service} service is not a list of {name}: {error}") from error


def _decode(response: httpx.Response, service: str) -> JsonValue:
    try:
        value: JsonValue = response.json() if response.content else None
    except ValueError as error:
        raise PeerUnreachable(f"the response of the {service} service is not JSON: {error}") from error
    return value
