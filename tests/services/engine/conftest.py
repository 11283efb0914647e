"""Fixtures of the engine service's tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.services.engine.engine_door import EngineDoor, open_engine
from tests.support.fake_ledger import FakeLedger, fake_ledger


@pytest.fixture
def ledger() -> Iterator[FakeLedger]:
    """Return a ledger that takes everything."""
    with fake_ledger() as opened:
        yield opened


@pytest.fixture
async def engine(database_url: str, ledger: FakeLedger) -> AsyncIterator[EngineDoor]:
    """Return the door of a fresh engine."""
    async with open_engine(database_url, ledger.url) as opened:
        yield opened
