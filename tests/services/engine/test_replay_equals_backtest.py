"""Every built-in strategy, long and short, under different terms: a replay equals the backtest of the same request."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from tests.services.engine.engine_door import EngineDoor
from tests.services.engine.test_engine_replay import finished

from seatrial_backtest.jobs.request import resolve_request
from seatrial_backtesting.run import execute
from seatrial_core.contracts.backtests import BacktestRequest
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy import registry

HOUR_MS = 3_600_000
BARS = 350
NO_DATASET = "0" * 64
# Shorter than the defaults, so that a few hundred bars hold many trades; a strategy that is not named keeps its own.
PARAMS: dict[str, dict[str, Any]] = {
    "donchian_breakout": {"entry_bars": 4, "exit_bars": 2},
    "macd": {"fast": 4, "slow": 9, "signal": 3},
    "rsi_bollinger": {"rsi_period": 5, "rsi_below": 40, "band_period": 8, "band_width": 1.2},
    "sma_cross": {"fast": 3, "slow": 8},
}
# Terms of an account; replays and backtests use the same names.
TERMS: list[dict[str, Any]] = [
    {},
    {"fee": -0.0002, "slippage_bps": 0.0, "size": "fixed:3"},
    {"fee": 0.004, "slippage_bps": 12.5, "lot": 0.01, "size": "notional:2500"},
    {"slippage_bps": 3.0, "session": "auction", "size": "risk:0.02"},
    {"cash": "2500.50", "size": "vol:0.4", "lot": 0.001},
    {"size": "kelly:0.5"},
]


def market(seed: int) -> dict[str, list[Any]]:
    """Return hourly bars of a random walk, with gaps and some flat bars; the seed sets the price level."""
    draw = np.random.default_rng(seed)
    close = 10.0 ** draw.uniform(0, 2) * np.exp(np.cumsum(draw.normal(0, 0.012, BARS) * (draw.random(BARS) > 0.1)))
    gaps = np.exp(draw.normal(0, 0.02, BARS) * (draw.random(BARS) < 0.2))
    opened = np.concatenate([close[:1], close[:-1]]) * gaps
    high = np.maximum(opened, close) * (1 + draw.exponential(0.006, BARS))
    low = np.minimum(opened, close) * (1 - draw.exponential(0.006, BARS))
    columns = {"open": opened, "high": high, "low": low, "close": close, "volume": draw.integers(0, 9, BARS) * 1.0}
    return {"time": [HOUR_MS * (seed + bar) for bar in range(BARS)], **{k: v.tolist() for k, v in columns.items()}}


def accounts(strategy: str, is_short: bool) -> Iterator[dict[str, Any]]:
    """Yield one account per set of terms, each with its own bars."""
    params = dict(PARAMS.get(strategy, {}))
    if is_short and "mode" in registry.get(strategy).params.model_fields:
        params["mode"] = "long_short"
    for number, terms in enumerate(TERMS):
        asked = {"strategy": strategy, "params": params, "allow_short": is_short, "size": "equity:1.0", **terms}
        yield {"account": f"a{number}", "symbol": f"S{number}", "candles": market(10 * number + is_short), **asked}


def backtest(asked: dict[str, Any]) -> tuple[list[dict[str, Any]], list[float]]:
    """Return trades and equity of what the backtest service computes for the same request."""
    fields = {name: value for name, value in asked.items() if name not in {"account", "symbol", "candles"}}
    request = resolve_request(BacktestRequest(dataset=NO_DATASET, **fields))
    run = execute(
        Candles.from_columns(asked["symbol"], asked["candles"]), request.strategy, request.settings
    ).simulation
    return [asdict(trade) for trade in run.trades], run.equity.tolist()


@pytest.mark.parametrize("is_short", [False, True], ids=["long", "short"])
@pytest.mark.parametrize("strategy", registry.names())
async def test_replay_of_every_strategy_is_its_backtest(engine: EngineDoor, strategy: str, is_short: bool) -> None:
    asked = list(accounts(strategy, is_short))

    await engine.post("/v1/replays", {"id": "r", "accounts": asked}, 202)
    await finished(engine, "r")

    results = await engine.get("/v1/replays/r/trades")
    sides: list[str] = []
    for account, replayed in zip(asked, results, strict=True):
        trades, equity = backtest(account)
        assert replayed["account"] == account["account"]
        assert replayed["trades"] == trades, account["account"]
        assert replayed["equity"] == equity, account["account"]
        sides += [trade["side"] for trade in trades]
    assert ("short" in sides) == (asked[0]["params"].get("mode") == "long_short")
    # A size by risk or Kelly has nothing to go by where a strategy knows no stop and has lost nothing yet.
    assert len(sides) >= (30 if strategy in PARAMS else 3), len(sides)
