"""Wires the metrics service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from seatrial_core.clock import SystemClock
from seatrial_core.contracts.clock import Clock
from seatrial_metrics.api import routes
from seatrial_metrics.service import MetricsService
from seatrial_metrics.settings import MetricsSettings
from seatrial_service.web import ServiceParts, create_app

BATCH_BYTES = 8 << 20


def build(settings: MetricsSettings, clock: Clock | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: The settings of the service.
        clock: The source of time; the system clock by default.
    """
    registry = CollectorRegistry(auto_describe=False)
    service = MetricsService(settings, clock or SystemClock(), registry)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    parts = ServiceParts(
        name="metrics",
        title="Seatrial metrics",
        routers=routes(service, settings),
        lifespan=lifespan,
        ready=service.ready,
        detail=service.detail,
        body_bytes={"/v1/events": BATCH_BYTES},
        process_metrics_path="/metrics/process",
        uncounted=["/v1/events"],
    )
    return create_app(parts, settings, registry)
