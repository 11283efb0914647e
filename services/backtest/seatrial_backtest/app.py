"""Builds the application of the backtest service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from seatrial_backtest.api import routes
from seatrial_backtest.service import BacktestService
from seatrial_backtest.settings import BacktestSettings
from seatrial_core.clock import SystemClock
from seatrial_core.contracts.clock import Clock
from seatrial_service.web import ServiceParts, create_app


def build(settings: BacktestSettings, clock: Clock | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: Settings of the service.
        clock: Source of time; the system clock by default.
    """
    registry = CollectorRegistry(auto_describe=False)
    service = BacktestService(settings, clock or SystemClock(), registry)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    parts = ServiceParts(
        name="backtest",
        title="Seatrial backtest",
        routers=routes(service),
        lifespan=lifespan,
        ready=service.ready,
        body_bytes={"/v1/datasets": settings.upload_bytes},
        media_types={"/v1/datasets": ("text/csv",)},
    )
    return create_app(parts, settings, registry)
