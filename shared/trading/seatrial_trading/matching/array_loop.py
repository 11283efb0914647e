"""The compiled loop over whole arrays: bars on which nothing can happen are only marked, all others take the step."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seatrial_trading.matching.kernel import magnify, place, step
from seatrial_trading.matching.layout import (
    C_SIZE_KIND,
    MARKET,
    S_BAR_TROUGH,
    S_CASH,
    S_CLOSE,
    S_INDEX,
    S_NEXT_EXIT,
    S_NEXT_SIDE,
    S_PEAK,
    S_QUANTITY,
    S_REASON,
    S_REASON_INDEX,
    S_REJECTED,
    S_STOP,
    S_TARGET,
    S_TRAIL,
    S_TROUGH,
    Rejection,
)
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.jit import compiled
from seatrial_trading.strategy.signals import Signals

Floats = NDArray[np.float64]
Shorts = NDArray[np.int8]
Flags = NDArray[np.bool_]
# What `place` answers to an entry while a position is open and stays.
POSITION_OPEN = int(Rejection.POSITION_OPEN)


class Bars(NamedTuple):
    """The price columns of a run."""

    opens: Floats
    highs: Floats
    lows: Floats
    closes: Floats


class SubBars(NamedTuple):
    """The price columns of finer bars, and for each bar which of them it is made of; no spans: nothing is finer."""

    opens: Floats
    highs: Floats
    lows: Floats
    closes: Floats
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


class Orders(NamedTuple):
    """The decisions of a run; a column of one row counts for all bars."""

    entry: Shorts
    leave: Flags
    stop: Floats
    target: Floats
    trail: Floats
    base: Shorts
    kind: Shorts
    limit: Floats
    trigger: Floats
    expires: NDArray[np.int64]
    size_kind: Shorts
    size: Floats


def bars(candles: Candles) -> Bars:
    """Return the columns that the loop reads."""
    return Bars(candles.open, candles.high, candles.low, candles.close)


def orders(signals: Signals) -> Orders:
    """Return the decisions in the form that the loop reads."""
    none = np.full(1, np.nan)
    return Orders(
        entry=np.ascontiguousarray(signals.entry),
        leave=np.ascontiguousarray(signals.exit),
        stop=none if signals.stop_loss is None else _numbers(signals.stop_loss),
        target=none if signals.take_profit is None else _numbers(signals.take_profit),
        trail=none if signals.trailing is None else _numbers(signals.trailing),
        base=_shorts(signals.base, 1 if signals.stop_base == "price" else 0),
        kind=_shorts(signals.entry_type),
        limit=none if signals.limit_price is None else np.ascontiguousarray(signals.limit_price),
        trigger=none if signals.stop_price is None else np.ascontiguousarray(signals.stop_price),
        expires=np.zeros(1, dtype=np.int64) if signals.expires is None else np.ascontiguousarray(signals.expires),
        size_kind=_shorts(signals.size_kind),
        size=none if signals.size is None else np.ascontiguousarray(signals.size),
    )


def _numbers(column: Floats) -> Floats:
    return np.ascontiguousarray(column[:1] if column.strides == (0,) else column)  # one number for all: not written out


def _shorts(column: Shorts | None, otherwise: int = 0) -> Shorts:
    return np.full(1, otherwise, dtype=np.int8) if column is None else np.ascontiguousarray(column)


@compiled
def advance(
    bars: Bars,
    finer: SubBars,
    orders: Orders,
    state: Floats,
    config: Floats,
    trades: Floats,
    equity: Floats,
    rejections: Shorts,
    start: int,
    end: int,
    to_exit: bool,
) -> int:
    """Run the bars from `start` to before `end`; with `to_exit` only until nothing is open and nothing waits.

    Returns:
        The bar after the last one that was run.
    """
    may_coast = config[C_SIZE_KIND] != 5.0  # volatility sizing looks at every close
    i = start
    while i < end:
        decided = False
        if may_coast and state[S_NEXT_SIDE] == 0.0 and state[S_NEXT_EXIT] == 0.0:
            i, decided = _coast(bars, orders, state, equity, rejections, i, end)
            if i >= end and not decided:
                return end
        if not decided:
            refused = state[S_REJECTED]
            if finer.starts.shape[0] == 0:
                step(state, config, trades, bars.opens[i], bars.highs[i], bars.lows[i], bars.closes[i])
            else:
                _magnify(bars, finer, state, config, trades, i)
            if state[S_REJECTED] != refused and state[S_REASON_INDEX] >= 0.0:
                rejections[int(state[S_REASON_INDEX])] = np.int8(state[S_REASON])
            equity[i + 1] = state[S_CASH] + state[S_QUANTITY] * bars.closes[i]
            i += 1
        last = i - 1
        if orders.entry[last] != 0 or orders.leave[last]:
            reason = _place(orders, state, config, last)
            if reason != 0:
                rejections[last] = np.int8(reason)
        if to_exit and state[S_QUANTITY] == 0.0 and state[S_NEXT_SIDE] == 0.0:
            return i
    return end


@compiled
def _magnify(bars: Bars, finer: SubBars, state: Floats, config: Floats, trades: Floats, i: int) -> None:
    start, end = finer.starts[i], finer.ends[i]
    magnify(
        state,
        config,
        trades,
        finer.opens[start:end],
        finer.highs[start:end],
        finer.lows[start:end],
        finer.closes[start:end],
        bars.opens[i],
        bars.highs[i],
        bars.lows[i],
        bars.closes[i],
    )


@compiled
def _place(orders: Orders, state: Floats, config: Floats, i: int) -> int:
    kind = orders.kind[i if orders.kind.shape[0] > 1 else 0]
    return place(
        state,
        config,
        float(orders.entry[i]),
        orders.leave[i],
        orders.stop[i if orders.stop.shape[0] > 1 else 0],
        orders.target[i if orders.target.shape[0] > 1 else 0],
        orders.trail[i if orders.trail.shape[0] > 1 else 0],
        float(orders.base[i if orders.base.shape[0] > 1 else 0]),
        int(kind),
        math.nan if kind == MARKET else orders.limit[i if orders.limit.shape[0] > 1 else 0],
        math.nan if kind == MARKET else orders.trigger[i if orders.trigger.shape[0] > 1 else 0],
        float(orders.expires[i if orders.expires.shape[0] > 1 else 0]),
        float(orders.size_kind[i if orders.size_kind.shape[0] > 1 else 0]),
        orders.size[i if orders.size.shape[0] > 1 else 0],
    )


@compiled
def _coast(
    bars: Bars, orders: Orders, state: Floats, equity: Floats, rejections: Shorts, start: int, end: int
) -> tuple[int, bool]:
    """Mark bars while the step would do no more: nothing queued, and no exit within the reach of the bar.

    Returns:
        The bar after the last marked one, and whether that last one ends with a decision that is to be placed.
    """
    quantity = state[S_QUANTITY]
    if quantity == 0.0:
        bars_run, decided = _idle(orders.entry[start:end], orders.leave[start:end], equity[start + 1 : end + 1], state)
    else:
        highs, lows = bars.highs[start:end], bars.lows[start:end]
        good, bad = (highs, lows) if quantity > 0.0 else (lows, highs)
        bars_run, decided = _ride(
            good,
            bad,
            bars.closes[start:end],
            orders.entry[start:end],
            orders.leave[start:end],
            equity[start + 1 : end + 1],
            rejections[start:end],
            state,
        )
        _widen(good[:bars_run], bad[:bars_run], state)
    if bars_run > 0:
        state[S_INDEX] += float(bars_run)
        state[S_CLOSE] = bars.closes[start + bars_run - 1]
    return start + bars_run, decided


@compiled
def _idle(entry: Shorts, leave: Flags, equity: Floats, state: Floats) -> tuple[int, bool]:
    """Mark bars without a position."""
    cash = state[S_CASH]
    for i in range(entry.shape[0]):
        equity[i] = cash
        if entry[i] != 0 or leave[i]:
            return i + 1, True
    return entry.shape[0], False


@compiled
def _ride(
    good: Floats,
    bad: Floats,
    closes: Floats,
    entry: Shorts,
    leave: Flags,
    equity: Floats,
    rejections: Shorts,
    state: Floats,
) -> tuple[int, bool]:
    """Mark bars with a position while even the tightest stop of a bar, below its own high, is out of its reach."""
    cash, quantity = state[S_CASH], state[S_QUANTITY]
    side = 1.0 if quantity > 0.0 else -1.0
    stop, target, trail, peak = state[S_STOP] * side, state[S_TARGET] * side, state[S_TRAIL], state[S_PEAK] * side
    # Infinities in place of NaN, and no trail in place of a NaN one, leave two comparisons for each bar.
    floor = -math.inf if math.isnan(stop) else stop
    target = math.inf if math.isnan(target) else target
    if math.isnan(trail):
        trail, peak = 0.0, math.inf
    else:
        floor = max(floor, peak - trail)
    for i in range(entry.shape[0]):
        best = good[i] * side
        if best > peak:
            peak = best
            floor = max(floor, peak - trail)
        if bad[i] * side <= floor or best >= target:
            return i, False
        equity[i] = cash + quantity * closes[i]
        if leave[i]:
            return i + 1, True
        if entry[i] != 0:
            rejections[i] = POSITION_OPEN
    return entry.shape[0], False


@compiled
def _widen(good: Floats, bad: Floats, state: Floats) -> None:
    """Keep how far the price went for and against the position on bars that were marked only."""
    bars_run = good.shape[0]
    if bars_run == 0:
        return
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    state[S_PEAK] = max(state[S_PEAK] * side, _highest(good, side)) * side
    state[S_TROUGH] = min(state[S_TROUGH], -_highest(bad, -side))
    state[S_BAR_TROUGH] = bad[bars_run - 1] * side


@compiled
def _highest(values: Floats, side: float) -> float:
    """Return the highest value times side; four at a time, because one chain of comparisons waits for itself."""
    a = b = c = d = -math.inf
    whole = values.shape[0] // 4 * 4
    for i in range(0, whole, 4):
        a = max(a, values[i] * side)
        b = max(b, values[i + 1] * side)
        c = max(c, values[i + 2] * side)
        d = max(d, values[i + 3] * side)
    for i in range(whole, values.shape[0]):
        a = max(a, values[i] * side)
    return max(max(a, b), max(c, d))
