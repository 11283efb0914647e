"""The writer trusts the database after a commit whose answer was lost, and keeps a refused order to itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from seatrial_core.clients import AsyncServiceClient
from seatrial_core.clock import SystemClock
from seatrial_core.contracts.orders import TradingState
from seatrial_core.errors import DatabaseUnreachable, Unavailable
from seatrial_engine.domain.commands import SetTradingState, TradeRequest
from seatrial_engine.domain.config import EngineConfig
from seatrial_engine.domain.exchange import ImmediateExchange
from seatrial_engine.domain.order_processor import OrderProcessor
from seatrial_engine.domain.signal_parser import read
from seatrial_engine.engine import new_id
from seatrial_engine.runtime.engine_writer import EngineWriter
from seatrial_engine.runtime.metrics import EngineMetrics
from seatrial_engine.runtime.outbox_relay import OutboxRelay
from seatrial_engine.store import instance
from seatrial_service import loops
from seatrial_service.db.session import AsyncSession, Database


class LossyDatabase(Database):
    """Commits every transaction; the answer of a commit is lost while `loses_answers` is set."""

    loses_answers = False

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with super().transaction() as session:
            yield session
        if self.loses_answers:
            raise DatabaseUnreachable("the connection to the database was lost")


@asynccontextmanager
async def writer_over(database: Database) -> AsyncIterator[EngineWriter]:
    config, clock, metrics = EngineConfig(), SystemClock(), EngineMetrics(CollectorRegistry())
    client = AsyncServiceClient("metrics", url="http://127.0.0.1:1")
    processor = OrderProcessor(config, ImmediateExchange(config.fee_rate, config.slippage_bps), clock, new_id)
    writer = EngineWriter(database, processor, OutboxRelay(database, client, clock, metrics), metrics)
    async with database.transaction() as session:
        own = await instance.claim(session, "engine-test")
    await writer.begin(own)
    try:
        async with loops.running([writer.loop()], CollectorRegistry()):
            yield writer
    finally:
        await client.close()
        await database.close()


def order(action: str, client_order_id: str) -> TradeRequest:
    fields = {"symbol": "X", "action": action, "price": "100", "quantity": "2", "account": "a"}
    return TradeRequest(read({**fields, "client_order_id": client_order_id}))


async def test_an_order_whose_answer_was_lost_is_known_to_the_next_ones(database_url: str) -> None:
    database = LossyDatabase(database_url)
    async with writer_over(database) as writer:
        database.loses_answers = True
        with pytest.raises(DatabaseUnreachable):
            await writer.submit(order("buy", "one"))
        database.loses_answers = False

        again = await writer.submit(order("buy", "one"))
        sold = await writer.submit(order("sell", "two"))

    assert (again.repeated, again.order is not None and again.order.status.value) == (True, "filled")
    assert sold.order is not None
    assert (sold.order.status.value, sold.order.pnl is not None) == ("filled", True)
    assert writer.state.accounts["a"].positions == {}


async def test_an_order_that_the_database_refuses_fails_alone(database_url: str, owner_url: str) -> None:
    database = Database(database_url)
    with psycopg.connect(owner_url) as connection:
        connection.execute("ALTER TABLE engine.orders ADD CHECK (client_order_id <> 'refused')")
    async with writer_over(database) as writer:
        names = [f"honest-{number}" for number in range(20)]
        commands = [order("buy", name) for name in (*names[:10], "refused", *names[10:])]

        outcomes = await asyncio.gather(
            *(writer.submit(command) for command in commands),
            *(writer.submit(SetTradingState(TradingState.REDUCING, "ada", "a test")) for _ in range(5)),
            return_exceptions=True,
        )

        failures = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)]
        assert failures == [10]
        assert isinstance(outcomes[10], Unavailable)
        async with database.transaction() as session:
            stored = (await session.execute(text("SELECT client_order_id FROM engine.orders"))).scalars().all()
        assert sorted(stored) == sorted(names)
        assert writer.state.control.state is TradingState.REDUCING
