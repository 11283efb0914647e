"""Fixtures of the engine service's tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.services.engine.engine_door import EngineDoor, open_engine
from tests.services.engine.ledger_receiver import Ledger, ledger_receiver


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """Return a ledger that takes everything."""
    with ledger_receiver() as opened:
        yield opened


@pytest.fixture
async def engine(database_url: str, ledger: Ledger) -> AsyncIterator[EngineDoor]:
    """Return the door of a fresh engine."""
    async with open_engine(database_url, ledger.url) as opened:
        yield opened
