"""Wires the stress service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from seatrial_core.clock import SystemClock
from seatrial_core.contracts.clock import Clock
from seatrial_service.transport.index_page import Link
from seatrial_service.web import ServiceParts, create_app
from seatrial_stress.api import routes
from seatrial_stress.exposition import StressCollector
from seatrial_stress.locust_ui.server import serve_locust_ui
from seatrial_stress.service import StressService
from seatrial_stress.settings import StressSettings

LOAD_PAGE = "Start and watch load in the browser; log in with the token of .seatrial/token"


def build(settings: StressSettings, clock: Clock | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: The service's settings.
        clock: The source of time; the system clock by default.
    """
    registry = CollectorRegistry(auto_describe=False)
    service = StressService(settings, clock or SystemClock())
    registry.register(StressCollector(service))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        access, refusals = app.state.access, app.state.transport_refusals
        async with service.running(), serve_locust_ui(service, settings, registry, access, refusals):
            yield

    parts = ServiceParts(
        name="stress",
        title="Seatrial stress",
        routers=routes(service),
        lifespan=lifespan,
        ready=service.ready,
        detail=service.detail,
        links=[Link("load_page", "/", LOAD_PAGE, settings.ui_port)] if settings.ui_port else [],
    )
    return create_app(parts, settings, registry)
