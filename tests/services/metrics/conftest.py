"""Fixtures of the metrics service's tests."""

from collections.abc import AsyncIterator

import pytest
from tests.services.metrics.metrics_door import START, Door, open_service

from seatrial_core.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock at START."""
    return ManualClock(START)


@pytest.fixture
async def door(database_url: str, clock: ManualClock) -> AsyncIterator[Door]:
    """Return the door of a fresh service."""
    async with open_service(database_url, clock) as opened:
        yield opened
