"""All figures of one backtest: the `metrics` and `undefined` of its result document."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seatrial_core.errors import field_error
from seatrial_core.figures.figure import Figure, known, undefined
from seatrial_trading.quant import drawdown, overfitting, performance, returns
from seatrial_trading.quant.column import Floats, column
from seatrial_trading.quant.drawdown import Drawdown, Times
from seatrial_trading.quant.kelly import kelly_leverage
from seatrial_trading.quant.returns import Calendar, ReturnSample
from seatrial_trading.quant.trades import TradeColumns

Metric = float | int | str | None
DRAWDOWN_FIGURES = (
    "max_drawdown",
    "max_drawdown_seconds",
    "recovery_seconds",
    "underwater_seconds",
    "longest_underwater_seconds",
)
RETURN_FIGURES = (
    "volatility",
    "sharpe",
    "sortino",
    "value_at_risk_95",
    "conditional_value_at_risk_95",
    "skewness",
    "kurtosis",
    "probabilistic_sharpe",
    "minimum_track_record",
    "kelly_leverage",
)


@dataclass(frozen=True)
class Statistics:
    """Figures by name, JSON safe; the reason of a figure that is None is in `undefined`."""

    metrics: Mapping[str, Metric]
    undefined: Mapping[str, str]


def statistics(
    equity: Floats, times_ms: Times, trades: TradeColumns, calendar: Calendar = "24/7", risk_free: float = 0.0
) -> Statistics:
    """Return every figure of an equity curve and its closed trades.

    Args:
        equity: n+1 values, the first at the open of bar 0, the others at the close of each bar.
        times_ms: The instants of those values, UTC epoch milliseconds, not decreasing.
        trades: The closed trades, in the order of their exits.
        calendar: `24/7` (365 days a year, days without bars are flat) or `exchange` (252).
        risk_free: Yearly rate of return that the Sharpe and Sortino ratios are measured against.
    """
    if len(equity) != len(times_ms) or not len(equity):
        raise field_error("times_ms", f"{len(times_ms)} instants", f"one for each of the {len(equity)} equity values")
    curve, times = column(equity), np.ascontiguousarray(times_ms, dtype=np.int64)
    with np.errstate(all="ignore"):  # what overflows becomes undefined, in `known`
        figures, metrics = _figures(curve, times, trades, calendar, risk_free)
    metrics |= {name: figure.value for name, figure in figures.items()}
    return Statistics(metrics, {name: str(item.reason) for name, item in figures.items() if item.value is None})


def _figures(
    curve: Floats, times: Times, trades: TradeColumns, calendar: Calendar, risk_free: float
) -> tuple[dict[str, Figure], dict[str, Metric]]:
    figures = {
        **_equity_figures(curve),
        **_drawdown_figures(curve, times),
        **_trade_figures(trades),
        **_exposure_figures(trades, len(curve) - 1),
    }
    metrics: dict[str, Metric] = {**_counts(trades), "return_sampling": None, "return_observations": 0}
    if not float(curve.min()) > 0.0:
        none = undefined("the equity is not above zero throughout")
        return figures | dict.fromkeys((*RETURN_FIGURES, "cagr", "calmar"), none), metrics
    drawn = returns.sample(curve, times, calendar)
    metrics |= {"return_sampling": drawn.sampling, "return_observations": len(drawn.returns)}
    years = float(times[-1] - times[0]) / 1000.0 / returns.YEAR_SECONDS
    yearly = returns.cagr(float(curve[0]), float(curve[-1]), years)
    figures |= _return_figures(drawn, risk_free)
    return figures | {"cagr": yearly, "calmar": returns.calmar(yearly, figures["max_drawdown"])}, metrics


def _equity_figures(curve: Floats) -> dict[str, Figure]:
    first, last = float(curve[0]), float(curve[-1])
    return {
        "initial_equity": known(first),
        "final_equity": known(last),
        "total_return": known(last / first - 1.0) if first > 0.0 else undefined("the equity does not begin above zero"),
    }


def _drawdown_figures(curve: Floats, times: Times) -> dict[str, Figure]:
    if not curve[0] > 0.0:
        return dict.fromkeys(DRAWDOWN_FIGURES, undefined("the equity does not begin above zero"))
    summary = drawdown.deepest(curve, times)
    fell, recovered = summary.depth_ratio > 0.0, summary.recovered >= 0
    none = undefined("no drawdown")
    return {
        "max_drawdown": known(summary.depth_ratio),
        "max_drawdown_seconds": _seconds(times, summary.peak, summary.trough) if fell else none,
        "recovery_seconds": _recovery(summary, times)
        if fell and recovered
        else undefined("not recovered")
        if fell
        else none,
        "underwater_seconds": known(summary.underwater_ms / 1000.0),
        "longest_underwater_seconds": known(summary.longest_underwater_ms / 1000.0),
    }


def _recovery(summary: Drawdown, times: Times) -> Figure:
    return _seconds(times, summary.trough, summary.recovered)


def _seconds(times: Times, first: int, last: int) -> Figure:
    return known(float(times[last] - times[first]) / 1000.0)


def _return_figures(drawn: ReturnSample, risk_free: float) -> dict[str, Figure]:
    values, periods = drawn.returns, drawn.periods_a_year
    excess = values - returns.per_period(risk_free, periods)
    summary = overfitting.moments(excess)
    still = undefined("the returns do not vary")
    return {
        "volatility": returns.volatility(values, periods),
        "sharpe": returns.sharpe(values, periods, risk_free),
        "sortino": returns.sortino(values, periods, risk_free),
        "value_at_risk_95": returns.value_at_risk(values),
        "conditional_value_at_risk_95": returns.conditional_value_at_risk(values),
        "skewness": known(summary.skewness) if summary else still,
        "kurtosis": known(summary.kurtosis) if summary else still,
        "probabilistic_sharpe": overfitting.probabilistic_sharpe(summary) if summary else still,
        "minimum_track_record": overfitting.minimum_track_record(summary) if summary else still,
        "kelly_leverage": kelly_leverage(float(excess.mean()), float(excess.var(ddof=1))) if summary else still,
    }


def _counts(trades: TradeColumns) -> dict[str, int]:
    wins, losses = int(np.count_nonzero(trades.pnl > 0.0)), int(np.count_nonzero(trades.pnl < 0.0))
    return {
        "total_trades": len(trades),
        "winning_trades": wins,
        "losing_trades": losses,
        "breakeven_trades": len(trades) - wins - losses,
        "longest_losing_run": performance.longest_run((trades.pnl < 0.0).tolist()),
    }


def _trade_figures(trades: TradeColumns) -> dict[str, Figure]:
    pnl = trades.pnl
    multiples = performance.r_multiples(trades)
    gross_profit = float(trades.pnl_gross[trades.pnl_gross > 0.0].sum())
    fees = float(trades.fees.sum())
    none = undefined(performance.NO_TRADES)
    return {
        "total_pnl": known(float(pnl.sum())),
        "fees_paid": known(fees),
        "slippage_paid": known(float(trades.slippage.sum())),
        "fees_of_gross_profit": known(fees / gross_profit) if gross_profit > 0.0 else undefined("no gross profit"),
        "turnover": known(float((trades.quantity * (trades.entry_price + trades.exit_price)).sum())),
        "win_rate": performance.win_rate(pnl),
        "average_win": performance.average_win(pnl),
        "average_loss": performance.average_loss(pnl),
        "best_trade": known(float(pnl.max())) if len(pnl) else none,
        "worst_trade": known(float(pnl.min())) if len(pnl) else none,
        "profit_factor": performance.profit_factor(pnl),
        "payoff_ratio": performance.payoff_ratio(pnl),
        "expectancy": performance.expectancy(pnl),
        "expectancy_r": performance.expectancy(multiples)
        if multiples is not None
        else undefined("not every trade had a stop"),
        "sqn": performance.sqn(pnl if multiples is None else multiples),
        "kelly": performance.kelly_fraction(pnl),
    }


def _exposure_figures(trades: TradeColumns, bars: int) -> dict[str, Figure]:
    bars_in_trades = float(trades.bars_held.sum())
    none = undefined(performance.NO_TRADES)
    return {
        "average_bars_held": known(bars_in_trades / len(trades)) if len(trades) else none,
        "exposure": known(min(1.0, bars_in_trades / bars)) if bars else undefined("no bars"),
    }
