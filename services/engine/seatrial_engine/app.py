"""Builds the engine application from its parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from seatrial_core.clock import SystemClock
from seatrial_core.contracts.clock import Clock
from seatrial_engine.api.routes import routes
from seatrial_engine.replays.requests import MAX_BYTES
from seatrial_engine.service import EngineService
from seatrial_engine.settings import EngineSettings
from seatrial_service.web import ServiceParts, create_app

WEBHOOK_BYTES = 64 << 10


def build(settings: EngineSettings, clock: Clock | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: The settings of the service.
        clock: The only source of time; the system clock by default.
    """
    registry = CollectorRegistry(auto_describe=False)
    service = EngineService(settings, clock or SystemClock(), registry)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    parts = ServiceParts(
        name="engine",
        title="Seatrial engine",
        routers=routes(service),
        lifespan=lifespan,
        ready=service.ready,
        detail=service.detail,
        before_scrape=service.pending.refresh,
        body_bytes={"/v1/replays": MAX_BYTES, "/webhook": WEBHOOK_BYTES},
        media_types={"/webhook": ("*/*",)},
    )
    return create_app(parts, settings, registry)
