"""Counts and logs the requests that are refused below the application, before any route is looked for."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter
from starlette.types import Scope, Send

from seatrial_core import catalog
from seatrial_core.contracts.clock import Clock
from seatrial_service import logs
from seatrial_service.shown_path import shown_path
from seatrial_service.throttle import FailureThrottle, source_group
from seatrial_service.transport.raw_problems import send_problem

# A connection that never sent a byte, as browsers open in advance; it is counted, not logged.
IDLE = "idle_connection"
# The codes of the problems that are sent, and the ends of connections that get no answer.
REASONS = (
    *("misdirected_request", "foreign_origin", "unsupported_media_type", "body_too_large", "headers_too_large"),
    *("bad_request", "method_not_allowed", "request_timeout", "too_many_connections", "displaced", "unread_response"),
    *("too_many_pipelined", IDLE),
)
MAX_PATH = 200


class TransportRefusals:
    """The refusals of one process, whatever server of it they come from.

    Args:
        registry: Where the counter is registered; None for a process without a page of metrics.
        clock: The source of time.
    """

    def __init__(self, registry: CollectorRegistry | None, clock: Clock) -> None:
        metric = catalog.TRANSPORT_REFUSALS
        self._counter = Counter(metric.name.removesuffix("_total"), metric.help, metric.labels, registry=registry)
        for reason in REASONS:
            self._counter.labels(reason)
        self._clock = clock
        self._logged = FailureThrottle()

    def record(self, reason: str, source: str, **facts: object) -> None:
        """Count a refusal, and log it unless its source has had too many lines already.

        Args:
            reason: One of REASONS.
            source: The address that the request comes from.
            facts: What else the log shows.
        """
        if reason not in REASONS:
            raise ValueError(f"{reason!r} is no reason of a refusal; add it to REASONS")
        self._counter.labels(reason).inc()
        if reason == IDLE:
            return
        beyond = self._logged.fail(source_group(source), self._clock.monotonic())
        if beyond is None or beyond.is_announced:
            more = {} if beyond is None else {"is_throttled": True}
            logs.get().warning("request_refused", reason=reason, source=source, **facts, **more)

    async def send(
        self, scope: Scope, send: Send, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Record a refusal and send it as a problem.

        Args:
            scope: The refused request.
            send: Its send function.
            status: The HTTP status.
            code: The machine-readable code, which is the reason.
            detail: What was wrong, what was found, what to do.
            headers: Further headers of the answer.
        """
        self.record_request(code, scope)
        await send_problem(send, status, code, detail, headers)

    def record_request(self, reason: str, scope: Scope) -> None:
        """Record the refusal of an ASGI request, for an answer that is sent elsewhere."""
        client = scope.get("client")
        source = client[0] if client else "unknown"
        self.record(reason, source, method=scope.get("method", ""), path=shown_path(scope["path"])[:MAX_PATH])
