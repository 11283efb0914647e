"""The trading state limits what a replayed strategy does with an open position."""

from decimal import Decimal

import pytest
from tests.services.engine.test_engine_replay import bars

from seatrial_core.clock import SystemClock
from seatrial_core.contracts.orders import TradingState
from seatrial_engine.replays.replay import Replay
from seatrial_engine.replays.replay_account import ReplayAccount, ReplayAccountConfig
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.quant.candles import Candles


def replay() -> Replay:
    config = ReplayAccountConfig(
        account="a",
        candles=Candles.from_columns("A", bars(1)),
        strategy="sma_cross",
        params={"fast": 3, "slow": 9},
        initial_balance=Decimal(10_000),
        execution=ExecutionConfig(),
    )
    return Replay([ReplayAccount(config, "r", "engine", SystemClock())])


@pytest.mark.parametrize(("state", "trades"), [(TradingState.REDUCING, 1), (TradingState.HALTED, 0)])
def test_an_open_position_is_left_only_where_orders_may_reduce_it(state: TradingState, trades: int) -> None:
    running = replay()
    while not running.accounts()["a"].positions:
        running.advance(1, TradingState.ACTIVE)

    chunk = running.advance(200, state)

    assert not running.is_finished
    assert chunk.trades == trades
