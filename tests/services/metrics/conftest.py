"""Fixtures of the metrics service's tests."""

from collections.abc import AsyncIterator

import pytest
from tests.services.metrics.metrics_door import START, Door, MovableClock, open_service


@pytest.fixture
def clock() -> MovableClock:
    """Return a clock at START."""
    return MovableClock(START)


@pytest.fixture
async def door(database_url: str, clock: MovableClock) -> AsyncIterator[Door]:
    """Return the door of a fresh service."""
    async with open_service(database_url, clock) as opened:
        yield opened
