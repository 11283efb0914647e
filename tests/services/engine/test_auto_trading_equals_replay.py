"""TradingEngine's automatic trading and the engine service's replay trade the same bars at the same times."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.services.engine.engine_door import EngineDoor
from tests.services.engine.test_engine_replay import account, bars, finished
from tests.support.fake_ledger import Event, FakeLedger, fake_ledger
from tests.support.waiting import wait_until

from seatrial.config.trading_config import TradingConfig
from seatrial.engine.trading_engine import TradingEngine
from seatrial.monitoring.metrics_collector import MetricsCollector
from seatrial_core.timestamps import EPOCH

DAY_SECONDS = 86_400
FIRST_DAY = 18_000  # 2019-04-14: far enough from 1970 for the loader to recognise milliseconds
CASES: list[tuple[str, dict[str, Any]]] = [
    ("sma_cross", {"fast": 3, "slow": 9}),
    ("rsi_bollinger", {}),
    ("buy_and_hold", {}),
]
TRADE_FIELDS = (
    "occurred_at",
    "strategy",
    "symbol",
    "side",
    "status",
    "quantity",
    "price",
    "fee",
    "pnl",
    "holding_seconds",
    "exit_reason",
)
EQUITY_FIELDS = ("occurred_at", "strategy", "equity", "cash", "open_positions", "risk_at_stop")


@pytest.fixture
def sdk_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLedger]:
    """Return the ledger that the SDK's process-wide sender pushes to."""
    monkeypatch.setenv("SEATRIAL_SPILL_DIR", str(tmp_path / "spill"))
    with fake_ledger() as opened:
        monkeypatch.setenv("SEATRIAL_METRICS_URL", opened.url)
        collector = MetricsCollector()
        collector.recorder.sender.reconnect()
        collector.heartbeat()
        assert collector.flush()  # sends what earlier tests of this process recorded
        opened.clear()
        yield opened


def trade_automatically(strategy: str, params: dict[str, Any], columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return the closed trades of TradingEngine's automatic trading, after its events were sent."""
    config = TradingConfig(strategy=strategy, strategy_params=params, symbol="A", bars=columns)
    engine = TradingEngine(config)
    engine.start_auto_trading()
    automatic = engine.db_manager.automatic
    assert automatic is not None
    wait_until(lambda: not automatic.is_running, 180.0)  # the first run compiles the kernel
    assert engine.metrics.flush()
    rows = engine.db_manager.get_trades(EPOCH)
    engine.stop_trading()
    return rows


def fields(events: list[Event], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return some fields of events; None where an event has none."""
    return [{name: event.get(name) for name in names} for event in events]


@pytest.mark.parametrize(("strategy", "params"), CASES, ids=[strategy for strategy, _ in CASES])
async def test_auto_trading_has_the_times_prices_and_profits_of_a_replay(
    engine: EngineDoor, ledger: FakeLedger, sdk_ledger: FakeLedger, strategy: str, params: dict[str, Any]
) -> None:
    columns = bars(1, first=FIRST_DAY)
    await engine.post("/v1/replays", {"id": "r", "accounts": [account("a", strategy, columns, params=params)]}, 202)
    await finished(engine, "r")
    await engine.drained()
    replayed = (await engine.get("/v1/replays/r/trades"))[0]["trades"]

    rows = await asyncio.to_thread(trade_automatically, strategy, params, columns)

    events = [event for event in sdk_ledger.events if event["environment"] == "replay"]
    trades = [event for event in events if event["type"] == "trade"]
    assert fields(trades, TRADE_FIELDS) == fields(ledger.of_type("trade"), TRADE_FIELDS)
    marks = [event for event in events if event["type"] == "equity"]
    assert fields(marks, EQUITY_FIELDS) == fields(ledger.of_type("equity"), EQUITY_FIELDS)
    keys = ("exit_price", "quantity", "pnl", "exit_reason")
    assert [tuple(trade[key] for key in keys) for trade in replayed] == [
        (row["price"], row["quantity"], row["pnl"], row["exit_reason"]) for row in rows
    ]
    assert len(rows) > 0


async def test_a_position_open_at_the_end_is_closed_at_the_close_of_the_last_bar(sdk_ledger: FakeLedger) -> None:
    rows = await asyncio.to_thread(trade_automatically, "buy_and_hold", {}, bars(1, 10, first=FIRST_DAY))

    closes_at = datetime.fromtimestamp((FIRST_DAY + 10) * DAY_SECONDS, UTC)
    assert [row["closed_at"] for row in rows] == [closes_at]
    marks = sdk_ledger.of_type("equity")
    assert [mark["occurred_at"] for mark in marks[:2]] == ["2019-04-15T00:00:00Z", "2019-04-16T00:00:00Z"]
    assert len(marks) == 10
