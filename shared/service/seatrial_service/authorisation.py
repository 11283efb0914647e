"""Decides from a request's headers who calls; refusals are logged, counted and throttled per source."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Self

from prometheus_client import CollectorRegistry, Counter
from starlette.requests import Request

from seatrial_core import catalog
from seatrial_core.contracts.clock import Clock
from seatrial_core.errors import DatabaseUnreachable, Forbidden, SeatrialError, TooManyRequests, Unauthenticated
from seatrial_service import logs
from seatrial_service.auth import ANONYMOUS, CHALLENGE, OPEN, Principal, Tokens, bearer_token
from seatrial_service.stored_tokens import Load, StoredToken, StoredTokens
from seatrial_service.throttle import FailureThrottle, source_group

REASONS = ("no_token", "unknown_token", "ended_token", "missing_scope", "refused", "throttled", "unavailable")
ACTIONS = (
    *("halt", "reduce", "resume", "breaker_resume", "alert_acknowledged", "silence_added", "silence_ended"),
    *("rule_changed", "rule_deleted", "thresholds_changed", "token_created", "token_revoked"),
)
# The connection of a refused request with a larger body is closed; a smaller body is read and dropped.
DROPPED_BODY_BYTES = 65_536

# What reverse proxies add.
PROXY_PREFIX = "x-forwarded-"
PROXY_HEADERS = frozenset(
    {"forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip"}
)

FindSession = Callable[[Request], Principal | None]


class Access:
    """Admits or refuses the requests of one application.

    Args:
        tokens: The tokens of the environment; without any, everybody is admitted.
        registry: Where the counters are registered.
        clock: The source of time.
        load: Reads the tokens of the database; None where there are none.
    """

    def __init__(self, tokens: Tokens, registry: CollectorRegistry, clock: Clock, load: Load | None = None) -> None:
        self.tokens = tokens
        self._clock = clock
        self._throttle = FailureThrottle()
        self._refusals = _counter(catalog.ACCESS_REFUSALS, registry, REASONS)
        self._audited = _counter(catalog.AUDIT_EVENTS, registry, ACTIONS)
        self._stored = None if load is None else StoredTokens(load, clock, self._audit_token)
        self._find_session: FindSession | None = None

    def with_sessions(self, find: FindSession) -> Self:
        """Return the same access for an application that also has sessions.

        Args:
            find: Returns whose session a request without an Authorization header belongs to, or None.
        """
        other = copy.copy(self)
        other._find_session = find
        return other

    async def admit(self, request: Request, path: str, scopes: Sequence[str]) -> Principal:
        """Return who calls a route, before its body is read.

        Args:
            request: The request, of which only the headers are read.
            path: The path of the route, as declared.
            scopes: The scopes that the route requires; none for a public one.

        Raises:
            Unauthenticated: No token, no bearer token, or one that is unknown, expired or revoked.
            Forbidden: The token lacks a scope.
            TooManyRequests: The source has failed too often; a valid token is admitted nevertheless.
            DatabaseUnreachable: The token is not one of the environment, and the database cannot be asked.
        """
        if not scopes:
            return ANONYMOUS
        principal = await self.identify(request, path)
        try:
            for scope in scopes:
                principal.require(scope)
        except Forbidden as error:
            raise self.refusal(request, path, error, "missing_scope", principal) from error
        return principal

    async def admit_forwarded(self, request: Request, path: str, scope: str) -> Principal:
        """Return who calls a route through a reverse proxy that only programs of this machine call without a token.

        Raises:
            Forbidden: No token is configured here, so none can be asked for.
            SeatrialError: As `admit`.
        """
        if self.tokens.configured:
            return await self.admit(request, path, (scope,))
        error = Forbidden(
            "a reverse proxy passed this request on, and this page is for programs of this machine; configure "
            "SEATRIAL_TOKENS and send a token, or set SEATRIAL_METRICS_OPEN=1 to publish the page"
        )
        raise self.refusal(request, path, error)

    async def principal_of_token(self, token: str) -> Principal | None:
        """Return whose valid token this is, or None; for routes that take a token in a form."""
        principal = self.tokens.find(token)
        if principal is not None or self._stored is None:
            return principal
        stored = await self._stored.find(token)
        return stored.principal if stored is not None and self._ended(stored) is None else None

    def refusal(
        self,
        request: Request,
        path: str,
        error: SeatrialError,
        reason: str = "refused",
        principal: Principal = ANONYMOUS,
    ) -> SeatrialError:
        """Log, count and throttle a refused attempt, and return the error to answer with.

        Args:
            request: The refused request.
            path: The path of its route, as declared; the path sent may hold a secret.
            error: Why it is refused.
            reason: The reason as a label.
            principal: Who calls, if known; a token that lacks a scope has a budget apart from unknown callers.
        """
        source = source_of(request)
        throttled = self._throttle.fail(f"{source_group(source)} {principal.name}", self._clock.monotonic())
        if throttled is None or throttled.is_announced:
            logs.get().warning(
                "access_refused",
                source=source,
                method=request.method,
                path=path,
                reason=reason,
                principal=principal.name,
                is_throttled=throttled is not None,
            )
        self._refusals.labels("throttled" if throttled else reason).inc()
        if throttled is not None:
            wait = math.ceil(throttled.wait_seconds)
            error = TooManyRequests(
                f"too many refused attempts from this address; send a valid token, or wait {wait} s ({error.detail})",
                headers={**error.headers, "Retry-After": str(wait)},
            )
        if _has_large_body(request):
            error.headers = {**error.headers, "Connection": "close"}
        return error

    def audit(self, principal: Principal, source: str, action: str, **facts: object) -> None:
        """Log and count a change that an operator has to answer for."""
        self._audited.labels(action).inc()
        logs.get().info("audit", action=action, principal=principal.name, source=source, **facts)

    async def identify(self, request: Request, path: str) -> Principal:
        """Return who calls, whatever the scopes.

        Raises:
            Unauthenticated: No token, no bearer token, or one that is unknown, expired or revoked.
            TooManyRequests: The source has failed too often.
            DatabaseUnreachable: The token is not one of the environment, and the database cannot be asked.
        """
        if not self.tokens.configured:
            return OPEN
        header = request.headers.get("authorization")
        session = self._find_session(request) if self._find_session and header is None else None
        if session is not None:
            return session
        try:
            token = bearer_token(header)
        except Unauthenticated as error:
            raise self.refusal(request, path, error, "no_token") from error
        principal = self.tokens.find(token)
        if principal is not None:
            return principal
        return await self._stored_principal(request, path, token)

    async def _stored_principal(self, request: Request, path: str, token: str) -> Principal:
        try:
            stored = await self._stored.find(token) if self._stored else None
        except DatabaseUnreachable:
            self._refusals.labels("unavailable").inc()
            raise
        ended = None if stored is None else self._ended(stored)
        if stored is None or ended is not None:
            error = Unauthenticated(ended or "this token is not known here", headers=CHALLENGE)
            raise self.refusal(request, path, error, "ended_token" if ended else "unknown_token")
        return stored.principal

    def _ended(self, token: StoredToken) -> str | None:
        if token.revoked_at is not None:
            return "this token was revoked; ask for a new one, made with `seatrial token create`"
        if token.expires_at is not None and token.expires_at <= self._clock.now():
            return "this token has expired; ask for a new one, made with `seatrial token create`"
        return None

    def _audit_token(self, action: str, token: StoredToken) -> None:
        by = token.created_by if action == "token_created" else token.revoked_by or ""
        self.audit(Principal(by, frozenset()), "database", action, token=token.principal.name, token_id=token.id)


def source_of(request: Request) -> str:
    """Return the address that a request comes from."""
    return request.client.host if request.client else "unknown"


def is_forwarded(request: Request) -> bool:
    """Return whether a proxy passed a request on, as its headers say."""
    return any(name in PROXY_HEADERS or name.startswith(PROXY_PREFIX) for name in request.headers)


def _has_large_body(request: Request) -> bool:
    length = request.headers.get("content-length", "0")
    is_small = length.isdigit() and len(length) < 10 and int(length) <= DROPPED_BODY_BYTES
    return "transfer-encoding" in request.headers or not is_small


def _counter(metric: catalog.Metric, registry: CollectorRegistry, values: Sequence[str]) -> Counter:
    counter = Counter(metric.name.removesuffix("_total"), metric.help, metric.labels, registry=registry)
    for value in values:
        counter.labels(value)
    return counter
