"""The routes of the metrics service: parse, call, return."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool

from seatrial_core.contracts.events import BATCH_HEADER, EVENT, MAX_BATCH_EVENTS, Environment, EventsAccepted, Label
from seatrial_core.contracts.numbers import AnyInstant
from seatrial_core.contracts.pages import Page
from seatrial_core.contracts.snapshots import Engines, Performance, Snapshot
from seatrial_core.contracts.text import Identity
from seatrial_metrics import batches, examples, snapshots
from seatrial_metrics.scopes import headline
from seatrial_metrics.service import MetricsService
from seatrial_metrics.settings import MetricsSettings
from seatrial_metrics.store import history
from seatrial_service.cursors import parse_sequence
from seatrial_service.routing import requires, service_router
from seatrial_service.web import metrics_guard

# Parsing a body of this size takes milliseconds; larger ones are parsed in a thread.
INLINE_BYTES = 65_536
MAX_EVENTS_LISTED = 1_000
MAX_POINTS = 5_000

_POST_BODY: dict[str, Any] = {  # Any: OpenAPI is free JSON
    "requestBody": {
        "required": True,
        "description": f"Up to {MAX_BATCH_EVENTS} events; each is validated separately",
        "content": {
            "application/json": {
                "schema": {"type": "array", "items": {"type": "object"}, "maxItems": MAX_BATCH_EVENTS},
                "example": examples.EVENTS,
            }
        },
    }
}


def routes(service: MetricsService, settings: MetricsSettings) -> list[APIRouter]:
    """Return the routes over a service."""
    return [_writing(service, settings), _reading(service), _figures(service, settings), _page(service, settings)]


def _writing(service: MetricsService, settings: MetricsSettings) -> APIRouter:
    router = service_router(prefix="/v1", tags=["ledger"])

    @router.post(
        "/events",
        status_code=202,
        dependencies=[requires("events:write")],
        openapi_extra=_POST_BODY,
        response_model=EventsAccepted,
        responses={202: examples.answer(examples.ACCEPTED, "Every accepted event is committed")},
    )
    async def post_events(
        request: Request,
        batch_key: Annotated[Identity | None, Header(alias=BATCH_HEADER, description="producer/sequence")] = None,
        imported: Annotated[bool, Query(description="Accept events older than 35 days, once")] = False,
    ) -> Response:
        """Add a batch to the ledger. The response comes after the commit, so an acknowledged event is never lost.

        Repeating a batch changes nothing: money events are unique by their id, telemetry by the batch header. A money
        event whose id is known with other values is rejected with the code `conflict`.
        """
        started_at = service.clock.monotonic()
        body = await request.body()
        now = service.clock.now()
        service.pass_accounts()
        read = partial(batches.read, max_skew=settings.max_clock_skew, accounts=service.account_limit)
        if len(body) <= INLINE_BYTES:
            batch = read(body, batch_key, now, imported=imported)
        else:
            batch = await run_in_threadpool(read, body, batch_key, now, imported=imported)
        batch = batches.of_sender(batch, request.state.principal.name)
        result = await service.committer.submit(batch)
        service.ingest_seconds.observe(service.clock.monotonic() - started_at)
        rejected = sorted([*batch.rejected, *result.conflicts], key=lambda rejection: rejection.index)
        answer = EventsAccepted(accepted=result.accepted, duplicates=result.duplicates, rejected=rejected)
        # FastAPI would check each of 5,000 refusals again.
        return Response(answer.model_dump_json(), status_code=202, media_type="application/json")

    return router


def _reading(service: MetricsService) -> APIRouter:
    router = service_router(prefix="/v1", tags=["ledger"])

    @router.get(
        "/events",
        dependencies=[requires("metrics:read")],
        responses={200: examples.answer(examples.LISTED)},
    )
    async def list_events(
        type: Label | None = None,  # noqa: A002  # the name on the wire
        account: Label | None = None,
        environment: Environment | None = None,
        since: AnyInstant | None = None,
        limit: Annotated[int, Query(ge=1, le=MAX_EVENTS_LISTED)] = 100,
        cursor: Identity | None = None,
    ) -> Page[dict[str, Any]]:
        """List the ledger, newest first; `since` is the earliest occurred_at."""
        event_filter = history.EventFilter(type, account, environment, since, parse_sequence(cursor))
        async with service.database.transaction() as session:
            rows = await history.list_events(session, event_filter, limit + 1)
        items = list(rows[:limit])
        next_cursor = str(items[-1]["sequence"]) if len(rows) > limit else None
        return Page(items=items, next_cursor=next_cursor)

    @router.get(
        "/conflicts",
        dependencies=[requires("metrics:read")],
        responses={200: examples.answer(examples.CONFLICTS)},
    )
    async def list_conflicts(
        account: Label | None = None,
        environment: Environment | None = None,
        limit: Annotated[int, Query(ge=1, le=MAX_EVENTS_LISTED)] = 100,
        cursor: Identity | None = None,
    ) -> Page[dict[str, Any]]:
        """List the rejected events whose id belongs to another event, newest first; kept for 36 days."""
        event_filter = history.EventFilter(None, account, environment, None, parse_sequence(cursor))
        async with service.database.transaction() as session:
            rows = await history.list_conflicts(session, event_filter, limit + 1)
        items = list(rows[:limit])
        next_cursor = str(items[-1]["number"]) if len(rows) > limit else None
        return Page(items=items, next_cursor=next_cursor)

    @router.get(
        "/schema/events",
        dependencies=[requires("metrics:read")],
        responses={200: examples.answer({"discriminator": {"propertyName": "type"}, "oneOf": ["..."]})},
    )
    async def schema() -> dict[str, Any]:
        """Return the JSON Schema of one event."""
        return EVENT.json_schema()

    return router


def _figures(service: MetricsService, settings: MetricsSettings) -> APIRouter:
    router = service_router(prefix="/v1", tags=["figures"], dependencies=[requires("metrics:read")])

    @router.get("/snapshot", responses={200: examples.answer(examples.SNAPSHOT)})
    async def snapshot(environment: Environment | None = None) -> Snapshot:
        """Return every scope at one sequence: portfolio, accounts, strategies, endpoints."""
        return snapshots.snapshot(await service.snapshot_cache.fresh(), settings.fx_max_age, environment)

    @router.get("/engines", responses={200: examples.answer(examples.ENGINES)})
    async def engines() -> Engines:
        """Return every engine, the most recently active first: its last event and its last heartbeat."""
        return snapshots.engines(await service.snapshot_cache.fresh())

    @router.get("/performance", responses={200: examples.answer(examples.PERFORMANCE)})
    async def performance(
        environment: Annotated[
            list[Environment] | None, Query(max_length=16, description="The one of the guide's metrics if absent")
        ] = None,
    ) -> Performance:
        """Return the figures of the portfolio and of each account; an unknown figure is null and has a reason."""
        figures = await service.snapshot_cache.fresh()
        environments = environment or _headline(figures.environments, settings.headline)
        return snapshots.performance(figures, settings.fx_max_age, environments)

    @router.get("/equity", responses={200: examples.answer(examples.EQUITY)})
    async def equity(
        environment: Environment = Environment.LIVE,
        account: Annotated[Label | None, Query(description="The whole portfolio if absent")] = None,
        since: AnyInstant | None = None,
        until: AnyInstant | None = None,
        limit: Annotated[int, Query(ge=1, le=MAX_POINTS)] = 500,
    ) -> dict[str, Any]:
        """Return equity over time, oldest first, reduced to `limit` points; the newest is always included."""
        between: tuple[datetime | None, datetime | None] = (since, until)
        async with service.database.transaction() as session:
            rows = await history.equity(session, environment, account, between, limit)
        return {"environment": environment, "account": account, "items": [_point(row) for row in rows]}

    return router


def _page(service: MetricsService, settings: MetricsSettings) -> APIRouter:
    router = service_router(tags=["metrics"])

    @router.get(
        "/metrics",
        dependencies=metrics_guard(settings),
        response_class=Response,
        responses={200: {"content": {"text/plain": {"example": examples.PAGE}}}},
    )
    async def metrics() -> Response:
        """Return the ledger's families in the Prometheus text format; while Postgres is unreachable, the last ones."""
        await service.snapshot_cache.refresh_for_page()
        page = await run_in_threadpool(generate_latest, service.page)
        return Response(page, media_type=CONTENT_TYPE_LATEST)

    return router


def _headline(environments: list[str], configured: str) -> list[Environment]:
    # Without a decision every environment is named, and what they have not in common is absent.
    shown = headline(environments, configured)
    return [Environment(name) for name in environments if name != Environment.STRESS and shown in (None, name)] or [
        Environment.LIVE
    ]


def _point(row: dict[str, Any]) -> dict[str, Any]:  # Any: columns of many types
    return {
        "occurred_at": row["occurred_at"],
        "equity": float(row["equity"]),
        "high_water_mark": float(row["peak"]),
        "max_drawdown_ratio": float(row["max_drawdown_ratio"]),
    }
