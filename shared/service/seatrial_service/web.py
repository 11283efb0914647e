"""Builds the web application of a service: request ids, body limits, problem+json, health, metrics and auth."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_fastapi_instrumentator import Instrumentator

from seatrial_core.clock import SystemClock
from seatrial_core.errors import SeatrialError
from seatrial_core.redaction import redact_value
from seatrial_service.authorisation import Access
from seatrial_service.db.session import Database
from seatrial_service.problems import PROBLEM_RESPONSES, add_handlers
from seatrial_service.requests import BodyLimit, RequestIdentity
from seatrial_service.routing import (
    ServiceRoute,
    public,
    public_if_no_token,
    public_on_this_machine,
    require_service_routes,
    requires,
    service_router,
)
from seatrial_service.settings import ServiceSettings, is_loopback
from seatrial_service.stored_tokens import database_loader
from seatrial_service.transport.docs_pages import add_docs_pages
from seatrial_service.transport.index_page import Link, ServicePage, index_route, service_links
from seatrial_service.transport.media_types import MediaTypeRules
from seatrial_service.transport.methods import MethodHandling
from seatrial_service.transport.refusals import TransportRefusals
from seatrial_service.transport.request_checks import RequestChecks, RequestRules
from seatrial_service.transport.response_headers import ResponseHeaders

VERSION = metadata.version("seatrial-service")
DEFAULT_BODY_BYTES = 1 << 20

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
Ready = Callable[[], Awaitable[None]]
Detail = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True)
class ServiceParts:
    """The parts of a service for `create_app`.

    Args:
        name: The service's name, as in its folder.
        title: One line for the OpenAPI page.
        routers: Its routes.
        lifespan: Opens and closes what it needs (pools, background loops).
        ready: Raises when the service cannot work (database away, schema behind); never asks a peer.
        detail: Facts for /health/detail.
        before_scrape: Reads what the service's own page shows from the database; limits its own time.
        body_bytes: Limit of a request's body, by path prefix; the rest has 1 MiB.
        json_values: How many JSON values a body may have, by path prefix; the rest 100,000.
        media_types: What a path accepts besides JSON; `*/*` where a signature or a secret protects it.
        process_metrics_path: The path of the service's own metrics.
        links: Further links of its first page.
        uncounted: Paths the HTTP instrumentation leaves out because they count themselves.
    """

    name: str
    title: str
    routers: Sequence[APIRouter]
    lifespan: Lifespan
    ready: Ready
    detail: Detail | None = None
    before_scrape: Ready | None = None
    body_bytes: Mapping[str, int] = field(default_factory=dict)
    json_values: Mapping[str, int] = field(default_factory=dict)
    media_types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    process_metrics_path: str = "/metrics"
    links: Sequence[Link] = ()
    uncounted: Sequence[str] = ()


def create_app(parts: ServiceParts, settings: ServiceSettings, registry: CollectorRegistry) -> FastAPI:
    """Build a service's application.

    Args:
        parts: The parts of the service.
        settings: Its settings; host and tokens decide who may read the metrics.
        registry: The service's metrics registry, never the global one.
    """

    clock = SystemClock()
    database = _token_database(parts, settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with parts.lifespan(app):
                yield
        finally:
            if database is not None:
                await database.close()

    disable_created_metrics()  # type: ignore[no-untyped-call]  # an unused second series for every counter
    app = FastAPI(
        title=parts.title,
        version=VERSION,
        lifespan=lifespan,
        responses=PROBLEM_RESPONSES,
        docs_url=None,
        redoc_url=None,
        # A redirected path would be a label of the request metrics, with the secret or the random text in it.
        redirect_slashes=False,
    )
    app.router.route_class = ServiceRoute
    load = None if database is None else database_loader(database, clock)
    app.state.access = Access(settings.accepted_tokens, registry, clock, load)
    app.state.registry = registry
    app.state.transport_refusals = refusals = TransportRefusals(registry, clock)
    app.state.json_values = dict(parts.json_values)
    app.add_middleware(MethodHandling)
    app.add_middleware(BodyLimit, default_bytes=DEFAULT_BODY_BYTES, by_prefix=dict(parts.body_bytes), refusals=refusals)
    add_handlers(app)
    app.include_router(_health(parts))
    for router in parts.routers:
        app.include_router(router)
    Instrumentator(
        registry=registry,
        excluded_handlers=["/health/.*", "/metrics", "/metrics/process", "/favicon.ico", *parts.uncounted],
        should_instrument_requests_inprogress=False,
    ).instrument(app)
    # The last one added is the outermost: nothing reads the address of a request before its host is checked.
    rules = RequestRules.of(parts.name, settings, MediaTypeRules(parts.media_types))
    app.add_middleware(RequestChecks, rules=rules, refusals=refusals)
    app.add_middleware(RequestIdentity)
    app.add_middleware(ResponseHeaders)
    app.include_router(_process_metrics(parts, settings, registry))
    add_docs_pages(app)
    app.router.routes.append(index_route(_first_page(parts, settings)))
    require_service_routes(app)
    return app


def metrics_guard(settings: ServiceSettings) -> list[Any]:  # Any: what FastAPI's Depends returns
    """Return the dependencies of a metrics page.

    It is open by SEATRIAL_METRICS_OPEN, and on loopback to what no reverse proxy passed on; else it requires
    `metrics:read`.
    """
    if settings.metrics_open:
        return [public_if_no_token("SEATRIAL_METRICS_OPEN says so")]
    if is_loopback(settings.host):
        return [public_on_this_machine("metrics:read", "Prometheus reads it on loopback")]
    return [requires("metrics:read")]


def exposition(registry: CollectorRegistry) -> Response:
    """Return a registry as a page that Prometheus reads."""
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _first_page(parts: ServiceParts, settings: ServiceSettings) -> ServicePage:
    metrics_paths = sorted({"/metrics", parts.process_metrics_path})
    links = [*parts.links, *service_links(metrics_paths, settings.console_url)]
    return ServicePage(parts.name, parts.title, VERSION, links)


def _token_database(parts: ServiceParts, settings: ServiceSettings) -> Database | None:
    if not settings.database_url:
        return None
    return Database(settings.database_url, pool_size=1, application=f"seatrial-{parts.name}-access")


def _health(parts: ServiceParts) -> APIRouter:
    router = service_router(prefix="/health", tags=["health"])

    @router.get(
        "/live",
        dependencies=[public("probes have no token")],
        responses={200: {"content": {"application/json": {"example": {"status": "live"}}}}},
    )
    async def live() -> dict[str, str]:
        """Return whether the process responds; checks nothing else."""
        return {"status": "live"}

    @router.get(
        "/ready",
        dependencies=[public("probes have no token")],
        responses={200: {"content": {"application/json": {"example": {"status": "ready"}}}}},
    )
    async def ready() -> Response:
        """Return whether this service can work: checks its database and schema, never a peer."""
        try:
            await parts.ready()
        except SeatrialError as error:
            return Response('{"status":"unready"}', status_code=error.status, media_type="application/json")
        return Response('{"status":"ready"}', media_type="application/json")

    @router.get(
        "/detail",
        dependencies=[requires("metrics:read")],
        responses={200: {"content": {"application/json": {"example": {"service": parts.name, "version": VERSION}}}}},
    )
    async def detail() -> dict[str, Any]:  # Any: facts of many types
        """Return facts for operators: version, database, background loops."""
        facts = await parts.detail() if parts.detail is not None else {}
        shown = {name: redact_value(fact) for name, fact in facts.items()}
        return {"service": parts.name, "version": VERSION, **shown}

    return router


def _process_metrics(parts: ServiceParts, settings: ServiceSettings, registry: CollectorRegistry) -> APIRouter:
    router = service_router(tags=["metrics"])

    @router.get(parts.process_metrics_path, dependencies=metrics_guard(settings), response_class=Response)
    async def process_metrics() -> Response:
        """Return the metrics of this process in the Prometheus text format."""
        if parts.before_scrape is not None:
            await parts.before_scrape()
        return exposition(registry)

    return router
