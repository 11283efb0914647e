"""Returns of an equity curve and the ratios computed from them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from seatrial_core.figures.figure import Figure, known, undefined
from seatrial_trading.quant.column import Floats, column
from seatrial_trading.quant.drawdown import Times
from seatrial_trading.quant.jit import compiled

Calendar = Literal["24/7", "exchange"]
YEAR_SECONDS = 31_557_600.0  # 365.25 days
DAY_MS = 86_400_000
DAYS_A_YEAR = {"24/7": 365.0, "exchange": 252.0}
MIN_DAILY_RETURNS = 30
STRIDE = 64  # bars at a time, within a day
MAX_DAYS = 200_000  # a span that no market has; beyond it days without bars are not filled in


@dataclass(frozen=True)
class ReturnSample:
    """Simple returns, float64[n], the number of periods in a year, and the length of one period."""

    returns: Floats
    periods_a_year: float
    sampling: Literal["day", "bar"]


def sample(equity: Floats, times_ms: Times, calendar: Calendar = "24/7") -> ReturnSample:
    """Return daily UTC returns, or those of the bars when there are fewer than 30 days.

    `equity[0]` is at the open of the first bar, the others at the close of their bar; a bar that closes at
    midnight belongs to the day that ends. On a 24/7 calendar a day without bars is a day with a return of 0.

    Args:
        equity: Equity values, float64[n + 1].
        times_ms: Their times, UTC epoch milliseconds, int64[n + 1], not decreasing.
        calendar: `24/7` or `exchange` (252 days a year).
    """
    every_day = calendar == "24/7" and (times_ms[-1] - times_ms[0]) // DAY_MS < MAX_DAYS
    daily = _daily(equity, times_ms, DAY_MS, every_day)
    if len(daily) > MIN_DAILY_RETURNS:
        return ReturnSample(simple_returns(daily), DAYS_A_YEAR[calendar], "day")
    return ReturnSample(simple_returns(equity), _bars_a_year(times_ms, len(daily) - 1, calendar), "bar")


def simple_returns(values: Floats | Sequence[float]) -> Floats:
    """Return simple returns, value / value before - 1, float64[n - 1].

    Args:
        values: Values above 0 in order, float64[n].
    """
    curve = column(values)
    changes: Floats = curve[1:] / curve[:-1] - 1.0
    return changes


def cagr(first: float, last: float, years: float) -> Figure:
    """Return the compound annual growth rate, (last / first) ** (1 / years) - 1.

    Args:
        first: Equity at the start; undefined unless above 0.
        last: Equity at the end; undefined unless above 0.
        years: Time between them in years; undefined below one month.
    """
    if years < 1.0 / 12.0:
        return undefined("less than a month of data")
    if not first > 0.0 or not last > 0.0:
        return undefined("the equity is not above zero at both ends")
    with np.errstate(over="ignore"):
        return known(float(np.power(last / first, 1.0 / years)) - 1.0)


def volatility(returns: Floats | Sequence[float], periods_a_year: float) -> Figure:
    """Return the sample standard deviation of the returns, per year.

    Args:
        returns: Returns per period, float64[n].
        periods_a_year: Number of periods in a year, above 0.
    """
    values = column(returns)
    if len(values) < 2:
        return undefined(f"{len(values)} returns, needs at least 2")
    return known(math.sqrt(periods_a_year) * float(values.std(ddof=1)))


def sharpe(returns: Floats | Sequence[float], periods_a_year: float, risk_free: float = 0.0) -> Figure:
    """Return the Sharpe ratio per year: mean excess return over its sample deviation (Sharpe 1994).

    Args:
        returns: Returns per period, float64[n].
        periods_a_year: Number of periods in a year.
        risk_free: Yearly ratio.
    """
    values = column(returns)
    if len(values) < 2:
        return undefined(f"{len(values)} returns, needs at least 2")
    excess = values - per_period(risk_free, periods_a_year)
    deviation = float(excess.std(ddof=1))
    if deviation <= 1e-15 * (1.0 + float(np.abs(values).max())):
        return undefined("the returns do not vary")
    return known(math.sqrt(periods_a_year) * float(excess.mean()) / deviation)


def sortino(returns: Floats | Sequence[float], periods_a_year: float, target: float = 0.0) -> Figure:
    """Return the Sortino ratio per year: mean excess return over the downside deviation (Sortino and Price 1994).

    Args:
        returns: Returns per period, float64[n]; the deviation is over all of them.
        periods_a_year: Number of periods in a year.
        target: Yearly ratio.
    """
    values = column(returns)
    if not len(values):
        return undefined("0 returns, needs at least 1")
    excess = values - per_period(target, periods_a_year)
    downside = math.sqrt(float(np.mean(np.minimum(excess, 0.0) ** 2)))
    if downside <= 1e-15 * (1.0 + float(np.abs(values).max())):
        return undefined("no return below the target")
    return known(math.sqrt(periods_a_year) * float(excess.mean()) / downside)


def calmar(yearly: Figure, drawdown: Figure) -> Figure:
    """Return the Calmar ratio: CAGR over the maximum drawdown (Young 1991).

    Args:
        yearly: The compound annual growth rate.
        drawdown: The maximum drawdown, a ratio of at least 0.
    """
    if yearly.value is None:
        return yearly
    if drawdown.value is None:
        return drawdown
    if drawdown.value <= 0.0:
        return undefined("no drawdown")
    return known(yearly.value / drawdown.value)


def value_at_risk(returns: Floats | Sequence[float], tail: float = 0.05) -> Figure:
    """Return the empirical `tail` quantile of the returns: a return, so a loss is negative.

    Args:
        returns: Returns per period, float64[n].
        tail: Share of the returns in the tail, above 0 and below 1.
    """
    values = column(returns)
    if len(values) * tail < 1.0:
        return undefined(f"{len(values)} returns, needs at least {math.ceil(1.0 / tail)}")
    return known(quantile(values, tail))


def conditional_value_at_risk(returns: Floats | Sequence[float], tail: float = 0.05) -> Figure:
    """Return the mean of the returns at or below the `tail` quantile.

    Args:
        returns: Returns per period, float64[n].
        tail: Share of the returns in the tail, above 0 and below 1.
    """
    threshold = value_at_risk(returns, tail)
    if threshold.value is None:
        return threshold
    values = column(returns)
    return known(float(values[values <= threshold.value].mean()))


def quantile(values: Floats, share: float) -> float:
    """Return the value that `share` of the values lie below, interpolated as by `numpy.quantile`, to the bit.

    numpy's many ways to be called take longer than a small backtest's other figures.

    Args:
        values: float64[n], n at least 1.
        share: From 0 to 1.
    """
    place = (len(values) - 1) * share
    below = int(place)
    above = min(below + 1, len(values) - 1)
    ordered = np.partition(values, (below, above))
    low, high, part = float(ordered[below]), float(ordered[above]), place - below
    return high - (high - low) * (1.0 - part) if part >= 0.5 else low + (high - low) * part


def per_period(yearly: float, periods_a_year: float) -> float:
    """Return the rate of one period that compounds to `yearly`.

    Args:
        yearly: Yearly rate of return as a ratio.
        periods_a_year: Number of periods in a year, above 0.
    """
    return float((1.0 + yearly) ** (1.0 / periods_a_year) - 1.0) if yearly else 0.0


def _bars_a_year(times_ms: Times, days: int, calendar: Calendar) -> float:
    spans = np.diff(times_ms)
    seconds = float(np.median(spans)) / 1000.0 if len(spans) else 0.0
    if seconds <= 0.0:
        return DAYS_A_YEAR[calendar]
    share = 1.0
    if calendar == "exchange":
        # Declared days of trading a year, measured hours of trading a day.
        hours = min(1.0, len(spans) / max(days, 1) * seconds / 86_400.0)
        share = DAYS_A_YEAR[calendar] / 365.25 * hours
    return YEAR_SECONDS / seconds * share


@compiled
def _daily(equity: Floats, times_ms: Times, day_ms: int, every_day: bool) -> Floats:
    # The first value, then the last of each UTC day; an instant at midnight belongs to the day before it.
    size = equity.shape[0]
    days = (times_ms[size - 1] - times_ms[0]) // day_ms + 3 if every_day else size + 1
    result = np.empty(days)
    result[0] = equity[0]
    count = 1
    midnight = times_ms[0]
    if size > 1:
        midnight = ((times_ms[1] - 1) // day_ms + 1) * day_ms
    i = 1
    while i < size:
        while i + STRIDE < size and times_ms[i + STRIDE] <= midnight:
            i += STRIDE
        if times_ms[i] > midnight:
            result[count] = equity[i - 1]
            count += 1
            midnight += day_ms
            while times_ms[i] > midnight:
                if not every_day:
                    midnight = ((times_ms[i] - 1) // day_ms + 1) * day_ms
                    break
                result[count] = equity[i - 1]
                count += 1
                midnight += day_ms
        i += 1
    if size > 1:
        result[count] = equity[size - 1]
        count += 1
    return result[:count]
