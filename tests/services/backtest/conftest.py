"""Fixtures of the backtest service's tests."""

from collections.abc import AsyncIterator

import pytest
from tests.services.backtest.backtest_door import Door, open_service


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """Return the door of a fresh service."""
    async with open_service(database_url) as opened:
        yield opened
