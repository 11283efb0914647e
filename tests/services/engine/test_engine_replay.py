"""A replay trades what a backtest trades, and resumes after a stop."""

from datetime import datetime
from typing import Any

import numpy as np
import pytest
from tests.services.engine.engine_door import EngineDoor, open_engine
from tests.support.fake_ledger import FakeLedger
from tests.support.waiting import wait_until_async

from seatrial_core.timestamps import to_epoch_ms
from seatrial_engine.replays.runner import MAX_RUNNING
from seatrial_service.json_body import MAX_VALUES
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.matching.simulation import simulate
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy import registry

DAY_MS = 86_400_000
REPLAY_SECONDS = 180.0  # the first replay of a process may compile the kernel on a busy machine


def bars(seed: int, count: int = 400, first: int = 0) -> dict[str, list[Any]]:
    """Return a random walk with gaps, wide enough to reach stops and targets."""
    draw = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.02, count)))
    opening = close * np.exp(draw.normal(0, 0.01, count))
    high = np.maximum(opening, close) * (1 + draw.random(count) * 0.02)
    low = np.minimum(opening, close) * (1 - draw.random(count) * 0.02)
    time = [(first + day) * DAY_MS for day in range(count)]
    return {
        "time": time,
        "open": opening.tolist(),
        "high": high.tolist(),
        "low": low.tolist(),
        "close": close.tolist(),
        "volume": [1.0] * count,
    }


def account(name: str, strategy: str, columns: dict[str, list[Any]], **fields: Any) -> dict[str, Any]:
    """Return one account of a replay request."""
    return {"account": name, "symbol": name.upper(), "strategy": strategy, "candles": columns, **fields}


async def finished(engine: EngineDoor, identity: str) -> dict[str, Any]:
    """Wait for the end of a replay and return its state."""

    async def progress() -> dict[str, Any]:
        state: dict[str, Any] = await engine.get(f"/v1/replays/{identity}")
        return state

    async def is_over() -> bool:
        return bool((await progress())["status"] != "running")

    await wait_until_async(is_over, REPLAY_SECONDS, describe=progress)
    state = await progress()
    assert state["status"] == "finished", state
    return state


def backtest(asked: dict[str, Any]) -> tuple[list[dict[str, Any]], list[float]]:
    """Return the trades and the equity of the same account in a backtest."""
    candles = Candles.from_columns(asked["symbol"], asked["candles"])
    spec = registry.get(asked["strategy"])
    config = ExecutionConfig(allow_short=asked.get("allow_short", False), sizing=asked.get("size", "equity:1.0"))
    run = simulate(candles, spec.signals(candles, spec.parse(asked.get("params", {}))), config)
    return [vars(trade) for trade in run.trades], run.equity.tolist()


@pytest.mark.parametrize(
    ("strategy", "fields"),
    [
        ("rsi_bollinger", {}),
        ("rsi_bollinger", {"size": "risk:0.01"}),
        ("sma_cross", {"params": {"fast": 3, "slow": 9}}),
        ("sma_cross", {"params": {"fast": 3, "slow": 9, "mode": "long_short"}, "allow_short": True}),
    ],
)
async def test_replay_trades_what_a_backtest_trades(engine: EngineDoor, strategy: str, fields: dict[str, Any]) -> None:
    accounts = [account("a", strategy, bars(1), **fields), account("b", strategy, bars(2, 300, first=50), **fields)]

    await engine.post("/v1/replays", {"id": "r", "accounts": accounts}, 202)
    state = await finished(engine, "r")

    assert state["steps_total"] == 400
    for asked, result in zip(accounts, await engine.get("/v1/replays/r/trades"), strict=True):
        trades, equity = backtest(asked)
        assert result["trades"] == trades
        assert result["equity"] == equity
        assert len(trades) > 2


async def test_a_fill_of_a_replay_has_the_time_of_the_backtest(engine: EngineDoor, ledger: FakeLedger) -> None:
    accounts = [account("a", "sma_cross", bars(3), params={"fast": 3, "slow": 9})]

    await engine.post("/v1/replays", {"id": "r", "accounts": accounts}, 202)
    await finished(engine, "r")
    await engine.drained()

    trades, _ = backtest(accounts[0])
    times = [trade[key] for trade in trades for key in ("entry_time_ms", "exit_time_ms")]
    stamps = [to_epoch_ms(datetime.fromisoformat(event["occurred_at"])) for event in ledger.of_type("trade")]
    # A position that is open at the end is closed at the close of the last bar, not at its open.
    assert stamps[:-1] == times[:-1]


async def test_replay_sends_one_event_per_fill_and_bar(engine: EngineDoor, ledger: FakeLedger) -> None:
    accounts = [account("a", "sma_cross", bars(3), params={"fast": 3, "slow": 9})]

    await engine.post("/v1/replays", {"id": "r", "accounts": accounts}, 202)
    state = await finished(engine, "r")
    await engine.drained()

    fills = ledger.of_type("trade")
    assert len(fills) == 2 * state["trades"]
    assert len({event["trade_id"] for event in fills}) == len(fills)
    assert sum("pnl" in event for event in fills) == state["trades"]
    assert len(ledger.of_type("equity")) == 400
    assert len(ledger.of_type("account")) == 1
    assert {event["environment"] for event in ledger.events} == {"replay"}
    times = [event["occurred_at"] for event in ledger.events if event["type"] in {"trade", "equity"}]
    assert times == sorted(times)
    assert len((await engine.get("/v1/ledger", limit=1000))["items"]) == len(fills)


async def test_same_request_is_the_same_replay_and_another_is_a_conflict(engine: EngineDoor) -> None:
    request = {"id": "r", "accounts": [account("a", "sma_cross", bars(4, 60))]}

    await engine.post("/v1/replays", request, 202)
    await engine.post("/v1/replays", request, 202)
    await finished(engine, "r")

    await engine.post("/v1/replays", {**request, "accounts": [account("a", "sma_cross", bars(5, 60))]}, 409)
    await engine.post("/v1/replays", {**request, "id": "other"}, 409)
    refused = await engine.signal(symbol="X", action="buy", price="1", account="a")
    assert refused["reason"] == "account_in_replay"


async def test_replay_that_cannot_be_traded_is_refused_by_account(engine: EngineDoor) -> None:
    broken = bars(6, 30)
    broken["close"][3] = -1.0

    for wrong in (account("a", "no_such", bars(6, 30)), account("a", "sma_cross", broken)):
        problem = await engine.post("/v1/replays", {"id": "r", "accounts": [wrong]}, 422)
        assert "'a'" in problem["detail"]


async def test_replay_of_more_values_than_other_bodies_may_have_is_accepted(engine: EngineDoor) -> None:
    columns = bars(5, 20_000)
    assert MAX_VALUES < 6 * 20_000

    request = {"id": "long", "accounts": [account("long", "rsi_bollinger", columns)], "bars_per_second": 1}
    await engine.post("/v1/replays", request, 202)
    response = await engine.http.delete("/v1/replays/long")

    assert response.status_code == 200


async def test_stopped_replay_makes_no_progress(engine: EngineDoor) -> None:
    slow = {"id": "r", "accounts": [account("a", "sma_cross", bars(7))], "bars_per_second": 5}
    await engine.post("/v1/replays", slow, 202)

    stopped = (await engine.http.delete("/v1/replays/r")).json()

    assert stopped["status"] == "stopped"
    assert stopped["steps_done"] < 400


async def test_replays_that_run_at_the_same_time_are_limited(engine: EngineDoor) -> None:
    columns = bars(7, 30)
    for number in range(MAX_RUNNING):
        slow = {"id": f"r{number}", "accounts": [account(f"a{number}", "sma_cross", columns)], "bars_per_second": 0.001}
        await engine.post("/v1/replays", slow, 202)

    further = {"id": "further", "accounts": [account("further", "sma_cross", columns)]}
    problem = await engine.post("/v1/replays", further, 429)

    assert "32 replays are running" in problem["detail"]


async def test_replay_of_a_halted_engine_opens_no_position(engine: EngineDoor) -> None:
    await engine.post("/v1/control/halt", {"actor": "me", "reason": "a drill"})

    await engine.post("/v1/replays", {"id": "r", "accounts": [account("a", "sma_cross", bars(8, 60))]}, 202)

    assert (await finished(engine, "r"))["trades"] == 0


async def test_replay_resumes_after_a_restart_with_the_same_trades(database_url: str, ledger: FakeLedger) -> None:
    asked = account("a", "sma_cross", bars(9), params={"fast": 3, "slow": 9})
    slow = {"id": "r", "accounts": [asked], "bars_per_second": 400}
    async with open_engine(database_url, ledger.url) as before:
        await before.post("/v1/replays", slow, 202)

        async def begun() -> bool:
            return bool((await before.get("/v1/replays/r"))["steps_done"] > 0)

        await wait_until_async(begun)
    async with open_engine(database_url, ledger.url) as after:
        state = await finished(after, "r")
        await after.drained()
        result = (await after.get("/v1/replays/r/trades"))[0]

    assert (result["trades"], result["equity"]) == backtest(asked)
    assert len(ledger.of_type("trade")) == 2 * state["trades"]
    assert len(ledger.of_type("equity")) == 400
