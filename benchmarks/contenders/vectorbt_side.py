"""vectorbt, with the engine that the environment variable SEATRIAL_BENCH_ENGINE names: `rust` or `numba`.

Its signals are moved one bar on and filled at the open, with stops measured from the fill: the same trades as ours.
"""

import os
import warnings

import numpy as np
import pandas as pd
from measuring import CASH, FEE, Bars, Facts, Run, serve

warnings.filterwarnings("ignore")
import vectorbt as vbt  # noqa: E402

ENGINE = os.environ.get("SEATRIAL_BENCH_ENGINE", "rust")
vbt.settings["engine"] = ENGINE


def moved_on(entry: np.ndarray) -> np.ndarray:
    return np.concatenate(([False], entry[:-1]))


def portfolio(bars: Bars, series: dict[str, pd.Series], entry: np.ndarray, leave: np.ndarray | bool = False):  # type: ignore[no-untyped-def]
    stop, target = bars["stops"]
    return vbt.Portfolio.from_signals(
        series["close"],
        entries=moved_on(entry),
        exits=leave,
        open=series["open"],
        high=series["high"],
        low=series["low"],
        price=series["open"],
        sl_stop=float(stop),
        tp_stop=float(target),
        stop_entry_price="fillprice",
        fees=FEE,
        init_cash=CASH,
        freq="1min",
        engine=ENGINE,
    )


def series_of(bars: Bars) -> dict[str, pd.Series]:
    index = pd.to_datetime(bars["time"], unit="ms")
    return {name: pd.Series(bars[name], index=index) for name in ("open", "high", "low", "close")}


def facts_of(result) -> Facts:  # type: ignore[no-untyped-def]
    equity, trades = result.value().to_numpy(), result.trades.values
    return {"trades": len(trades), "final": float(equity[-1]), "equity_points": len(equity)}


def w1_orders(bars: Bars) -> Run:
    """The simulation call alone: neither equity nor trades are made of the orders."""
    series, entry = series_of(bars), bars["entry"]

    def run() -> Facts:
        return {"orders": len(portfolio(bars, series, entry).order_records)}

    return run


def w1_simulation(bars: Bars) -> Run:
    series, entry = series_of(bars), bars["entry"]
    return lambda: facts_of(portfolio(bars, series, entry))


def entries(close: pd.Series) -> np.ndarray:
    strength = vbt.RSI.run(close, window=14, ewm=True, engine=ENGINE).rsi.to_numpy()
    lower = vbt.BBANDS.run(close, window=20, alpha=2.0, engine=ENGINE).lower.to_numpy()
    entry: np.ndarray = (strength < 30.0) & (close.to_numpy() < lower)
    return entry


def w1_end_to_end_plain(bars: Bars) -> Run:
    """Indicators, simulation, final value and number of trades: no other figure."""
    series = series_of(bars)

    def run() -> Facts:
        result = portfolio(bars, series, entries(series["close"]))
        return {"trades": int(result.trades.count()), "final": float(result.final_value())}

    return run


def w1_end_to_end(bars: Bars) -> Run:
    """Indicators, simulation, and every figure that `stats` has."""
    series = series_of(bars)

    def run() -> Facts:
        result = portfolio(bars, series, entries(series["close"]))
        figures = result.stats()
        final, trades = float(figures["End Value"]), int(figures["Total Trades"])
        return {"trades": trades, "final": final, "metrics": len(figures), "sharpe_ratio": figures["Sharpe Ratio"]}

    return run


if __name__ == "__main__":
    serve(
        {
            "w1_orders": w1_orders,
            "w1_sim": w1_simulation,
            "w1_e2e_plain": w1_end_to_end_plain,
            "w1_e2e": w1_end_to_end,
        },
        ["vectorbt", "vectorbt-rust", "numpy", "numba", "pandas"],
    )
