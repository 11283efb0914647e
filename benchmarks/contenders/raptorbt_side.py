"""raptorbt: arrays for W1, its strategy class for W3; its 48 figures are always computed."""

import numpy as np
import raptorbt
from measuring import CASH, DEVIATIONS, FEE, LOOK_BACK, WINDOW, Bars, Facts, Run, serve
from raptorbt.strategy import Strategy, run_strategy_backtest

PRICES = ("open", "high", "low", "close", "volume")
NANOSECONDS = 1_000_000


def config_of(bars: Bars) -> raptorbt.BacktestConfig:
    config = raptorbt.BacktestConfig(initial_capital=CASH, fees=FEE, fill_timing="next_bar_open")
    config.set_fixed_stop(float(bars["stops"][0]))
    config.set_fixed_target(float(bars["stops"][1]))
    return config


def columns_of(bars: Bars) -> dict[str, np.ndarray]:
    return {"timestamps": bars["time"] * NANOSECONDS, **{name: bars[name] for name in PRICES}}


def facts_of(result) -> Facts:  # type: ignore[no-untyped-def]
    figures, equity = result.metrics, result.equity_curve()
    facts = {"trades": figures.total_trades, "final": figures.end_value, "equity_points": len(equity)}
    return {**facts, "metrics": len(figures.to_dict()), "sharpe_ratio": figures.sharpe_ratio}


def simulate(bars: Bars, columns: dict[str, np.ndarray], entry: np.ndarray):  # type: ignore[no-untyped-def]
    exits = bars["ended"] & ~entry
    return raptorbt.run_single_backtest(**columns, entries=entry, exits=exits, config=config_of(bars))


def w1_simulation(bars: Bars) -> Run:
    columns, entry = columns_of(bars), bars["entry"]

    def run() -> Facts:
        result = simulate(bars, columns, entry)
        return {**facts_of(result), "listed": len(result.trades())}

    return run


def w1_end_to_end(bars: Bars) -> Run:
    columns, close = columns_of(bars), bars["close"]

    def run() -> Facts:
        lower = raptorbt.bollinger_bands(close, 20, 2.0)[2]
        entry = (raptorbt.rsi(close, 14) < 30.0) & (close < lower)
        return facts_of(simulate(bars, columns, entry))

    return run


def light(rise: float) -> type[Strategy]:
    class Light(Strategy):  # type: ignore[misc]
        def on_bar(self, ctx) -> None:  # type: ignore[no-untyped-def]
            now = ctx.idx
            if now >= LOOK_BACK and ctx.close[now] > ctx.close[now - LOOK_BACK] * rise and ctx.position is None:
                self.enter()

    return Light


class Window(Strategy):  # type: ignore[misc]
    def on_bar(self, ctx) -> None:  # type: ignore[no-untyped-def]
        if ctx.idx < WINDOW or ctx.position is not None:
            return
        closes = ctx.history(WINDOW)
        if closes[-1] < closes.mean() - DEVIATIONS * closes.std():
            self.enter()


def called(bars: Bars, strategy: type[Strategy]) -> Run:
    columns = columns_of(bars)
    return lambda: facts_of(run_strategy_backtest(strategy, **columns, config=config_of(bars)))


if __name__ == "__main__":
    serve(
        {
            "w1_sim": w1_simulation,
            "w1_e2e": w1_end_to_end,
            "w3_light": lambda bars: called(bars, light(float(bars["rise"][0]))),
            "w3_window": lambda bars: called(bars, Window),
        },
        ["raptorbt", "numpy"],
    )
