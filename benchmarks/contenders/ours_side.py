"""Seatrial's own side of the comparison, through the doors that users have."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from measuring import CASH, DEVIATIONS, FEE, LOOK_BACK, WINDOW, Bars, Facts, Run, serve

from seatrial_backtesting.callback.history import BarHistory
from seatrial_backtesting.callback.runner import Callback
from seatrial_backtesting.execution_settings import ExecutionSettings
from seatrial_backtesting.run import execute
from seatrial_backtesting.strategy_ref import resolve_strategy
from seatrial_trading.matching import Simulation, simulate
from seatrial_trading.matching.bounds.bounds import compute_bounds
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

MINUTE_MS = 60_000
TIGHTNESS = 16.0
SETTINGS = ExecutionSettings(cash=CASH, fee=FEE, session="auction")
COSTLY = replace(SETTINGS, slippage_bps=1.0)
PRICES = ("open", "high", "low", "close", "volume")


def candles_of(bars: Bars) -> Candles:
    return Candles("BENCH", bars["time"], *(bars[name] for name in PRICES), interval_ms=MINUTE_MS)


def facts_of(run: Simulation) -> Facts:
    return {"trades": len(run.table), "final": float(run.equity[-1]), "equity_points": len(run.equity)}


def signals_of(bars: Bars, trailing: bool = False, tightness: float = 1.0) -> Signals:
    size, (stop, target) = len(bars["close"]), bars["stops"] / tightness
    return Signals(
        entry=bars["entry"].astype(np.int8),
        exit=np.zeros(size, dtype=np.bool_),
        stop_loss=np.full(size, stop),
        take_profit=np.full(size, target),
        trailing=np.full(size, stop) if trailing else None,
    )


def w1_simulation(bars: Bars) -> Run:
    """From given entries: every trade and the equity at every close."""
    candles, signals, config = candles_of(bars), signals_of(bars), SETTINGS.execution()
    return lambda: facts_of(simulate(candles, signals, config))


def w1_end_to_end(bars: Bars) -> Run:
    """From the closes: indicators, trades, equity and every figure that the product has."""
    candles, (stop, target) = candles_of(bars), bars["stops"]
    choice = resolve_strategy("rsi_bollinger", {"stop_loss": float(stop), "take_profit": float(target)})

    def run() -> Facts:
        outcome = execute(candles, choice, SETTINGS)
        figures = outcome.statistics.metrics
        return {**facts_of(outcome.simulation), "metrics": len(figures), "sharpe_ratio": figures.get("sharpe_ratio")}

    return run


def tight(bars: Bars) -> Run:
    """As W1, with stop and target so near that some bars reach both: plain, without what makes it dear."""
    candles, signals, config = candles_of(bars), signals_of(bars, tightness=TIGHTNESS), SETTINGS.execution()
    return lambda: facts_of(simulate(candles, signals, config))


def costly(bars: Bars) -> Run:
    """A trailing stop and slippage besides, and the trades that ambiguous bars leave open counted."""
    candles, signals, config = candles_of(bars), signals_of(bars, trailing=True), COSTLY.execution()

    def run() -> Facts:
        run = simulate(candles, signals, config)
        return {**facts_of(run), "ambiguous_trades": run.ambiguous_trades}

    return run


def everything(bars: Bars, tightness: float = 1.0) -> Run:
    """The same, and the bounds: the run over many intrabar scenarios."""
    candles, config = candles_of(bars), COSTLY.execution()
    signals = signals_of(bars, trailing=True, tightness=tightness)

    def run() -> Facts:
        run = simulate(candles, signals, config)
        ranges = compute_bounds(candles, signals, config, base=run)
        return {**facts_of(run), "ambiguous_trades": run.ambiguous_trades, "runs": ranges.resolutions}

    return run


def called(bars: Bars, strategy: Callback) -> Run:
    candles, choice = candles_of(bars), resolve_strategy(strategy, None)

    def run() -> Facts:
        outcome = execute(candles, choice, SETTINGS)
        return {**facts_of(outcome.simulation), "metrics": len(outcome.statistics.metrics)}

    return run


def w3_light(bars: Bars) -> Run:
    """A look at two closes on every bar, through the callback that the guide shows."""
    rise, answer = float(bars["rise"][0]), answer_of(bars)

    def strategy(history: BarHistory, symbol: str) -> Mapping[str, Any] | None:
        if len(history) > LOOK_BACK and history.close() > history.close(LOOK_BACK) * rise:
            return answer
        return None

    return called(bars, strategy)


def w3_rows(bars: Bars) -> Run:
    """The same check, by the rows that the guide's strategies read: each a mapping of one bar."""
    rise, answer = float(bars["rise"][0]), answer_of(bars)

    def strategy(history: BarHistory, symbol: str) -> Mapping[str, Any] | None:
        if len(history) > LOOK_BACK and history[-1]["close"] > history[-1 - LOOK_BACK]["close"] * rise:
            return answer
        return None

    return called(bars, strategy)


def w3_window(bars: Bars) -> Run:
    """Mean and standard deviation of the last closes on every bar, by our indicators."""
    answer = answer_of(bars)

    def strategy(history: BarHistory, symbol: str) -> Mapping[str, Any] | None:
        if history.close() < history.sma(WINDOW) - DEVIATIONS * history.std(WINDOW):
            return answer
        return None

    return called(bars, strategy)


def answer_of(bars: Bars) -> dict[str, Any]:
    stop, target = (float(ratio) for ratio in bars["stops"])
    return {"action": "buy", "stop_loss_pct": stop, "take_profit_pct": target}


if __name__ == "__main__":
    serve(
        {
            "w1_sim": w1_simulation,
            "w1_e2e": w1_end_to_end,
            "w1_costly": costly,
            "w1_everything": everything,
            "w1_tight": tight,
            "w1_tight_everything": lambda bars: everything(bars, TIGHTNESS),
            "w3_light": w3_light,
            "w3_rows": w3_rows,
            "w3_window": w3_window,
        },
        ["seatrial", "numpy", "numba"],
    )
