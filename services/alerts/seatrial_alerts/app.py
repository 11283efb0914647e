"""Wires the alerts service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from seatrial_alerts.api import routes
from seatrial_alerts.exposition import AlertsCollector
from seatrial_alerts.service import AlertsService
from seatrial_alerts.settings import AlertsSettings
from seatrial_core.clock import SystemClock
from seatrial_core.contracts.clock import Clock
from seatrial_service.web import ServiceParts, create_app


def build(settings: AlertsSettings, clock: Clock | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: The settings of the service.
        clock: The source of time; default: the system clock.
    """
    registry = CollectorRegistry(auto_describe=False)
    service = AlertsService(settings, clock or SystemClock(), registry)
    registry.register(AlertsCollector(service.evaluation_loop, service.dispatcher, service.status))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    parts = ServiceParts(
        name="alerts",
        title="Seatrial alerts",
        routers=routes(service),
        lifespan=lifespan,
        ready=service.ready,
        detail=service.detail,
        before_scrape=service.status.refresh,
    )
    return create_app(parts, settings, registry)
