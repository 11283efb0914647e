"""Fixtures of the metrics service's tests."""

from collections.abc import AsyncIterator

import pytest
from tests.services.metrics.metrics_client import START, MetricsClient, open_service

from seatrial_core.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock at START."""
    return ManualClock(START)


@pytest.fixture
async def client(database_url: str, clock: ManualClock) -> AsyncIterator[MetricsClient]:
    """Return a client of a fresh service."""
    async with open_service(database_url, clock) as opened:
        yield opened
