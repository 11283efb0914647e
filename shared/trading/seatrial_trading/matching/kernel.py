"""The account step: cash, position and orders over one bar. Every backtest, replay and live account runs it."""

import math

from seatrial_trading.matching.intrabar import (
    EntryOutcome,
    entry_value_at_close,
    exits_differ,
    extremes_use_adverse_path,
    position_value_at_close,
    uses_adverse_path,
)
from seatrial_trading.matching.layout import (
    C_AUCTION,
    C_SIZE_KIND,
    C_THROUGH,
    EXIT_END_OF_DATA,
    EXIT_NONE,
    EXIT_SIGNAL,
    REJECT_EXPIRED,
    S_AMBIGUOUS,
    S_AMBIGUOUS_BARS,
    S_BAR_TROUGH,
    S_CLOSE,
    S_ENTRY_INDEX,
    S_ENTRY_TROUGH,
    S_INDEX,
    S_MAGNIFIED,
    S_NEXT_EXIT,
    S_NEXT_FRESH,
    S_NEXT_KIND,
    S_NEXT_LEFT,
    S_NEXT_LIMIT,
    S_NEXT_SIDE,
    S_NEXT_TRIGGER,
    S_NEXT_TRIGGERED,
    S_PEAK,
    S_QUANTITY,
    S_STOP,
    S_TARGET,
    S_TRAIL,
    S_UNMAGNIFIED,
    SIZE_VOL,
)
from seatrial_trading.matching.positions import (
    bracket_prices,
    close_position,
    open_position,
    record_extremes,
    reject_order,
    update_volatility,
)
from seatrial_trading.matching.price_path import NO_FILL, PathOutcome, entry_on_path, exit_on_path
from seatrial_trading.matching.prices import taker_price
from seatrial_trading.quant.column import Floats
from seatrial_trading.quant.jit import compiled


@compiled
def step(state: Floats, config: Floats, trades: Floats, o: float, h: float, low: float, c: float) -> None:
    """Run one bar: orders of the last close fill at the open, then orders meet the bar's path, then the mark.

    Args:
        state: Account and orders, float64[S_SIZE], changed in place.
        config: The packed execution rules, float64[C_SIZE].
        trades: Rows for closed trades, float64[m, T_SIZE]; the next free one is filled when a position closes.
        o: Open of the bar.
        h: High of the bar.
        low: Low of the bar.
        c: Close of the bar.
    """
    state[S_BAR_TROUGH] = math.inf
    _run_path(state, config, trades, o, h, low, c)
    _end_bar(state, config, c)


@compiled
def magnify(
    state: Floats,
    config: Floats,
    trades: Floats,
    opens: Floats,
    highs: Floats,
    lows: Floats,
    closes: Floats,
    o: float,
    h: float,
    low: float,
    c: float,
) -> None:
    """Run one bar along the finer bars inside it, in order; as `step` where there are none.

    Args:
        state: Account and orders as in `step`, changed in place.
        config: The packed execution rules, float64[C_SIZE].
        trades: Rows for closed trades as in `step`.
        opens: Opens of the finer bars, float64[k].
        highs: Highs of the finer bars, float64[k].
        lows: Lows of the finer bars, float64[k].
        closes: Closes of the finer bars, float64[k].
        o: Open of the bar.
        h: High of the bar.
        low: Low of the bar.
        c: Close of the bar.
    """
    if opens.shape[0] == 0 or (state[S_QUANTITY] == 0.0 and state[S_NEXT_SIDE] == 0.0):
        if state[S_QUANTITY] != 0.0 or state[S_NEXT_SIDE] != 0.0:
            state[S_UNMAGNIFIED] += 1.0
        step(state, config, trades, o, h, low, c)
        return
    state[S_MAGNIFIED] += 1.0
    state[S_BAR_TROUGH] = math.inf
    for i in range(opens.shape[0]):
        _run_path(state, config, trades, opens[i], highs[i], lows[i], closes[i])
        if state[S_QUANTITY] == 0.0 and state[S_NEXT_SIDE] == 0.0:
            break
    _end_bar(state, config, c)


@compiled
def finish(state: Floats, config: Floats, trades: Floats) -> None:
    """Close the open position at the last close with a market order and cancel the pending entry.

    Args:
        state: Account and orders as in `step`, changed in place.
        config: The packed execution rules, float64[C_SIZE].
        trades: Rows for closed trades as in `step`.
    """
    if state[S_QUANTITY] != 0.0:
        state[S_INDEX] -= 1.0
        close_position(state, config, trades, state[S_CLOSE], EXIT_END_OF_DATA, False, True)
        state[S_INDEX] += 1.0
    state[S_NEXT_EXIT] = 0.0
    state[S_NEXT_SIDE] = 0.0


@compiled
def _run_path(state: Floats, config: Floats, trades: Floats, o: float, h: float, low: float, c: float) -> None:
    if state[S_NEXT_EXIT] != 0.0 and state[S_QUANTITY] != 0.0:
        _exit_at_open(state, config, trades, o)
    state[S_NEXT_EXIT] = 0.0
    if state[S_NEXT_SIDE] != 0.0:
        _run_pending_entry(state, config, trades, o, h, low, c)
    elif state[S_QUANTITY] != 0.0:
        _run_open_position(state, config, trades, o, h, low, c)


@compiled
def _end_bar(state: Floats, config: Floats, c: float) -> None:
    if state[S_NEXT_SIDE] != 0.0:
        state[S_NEXT_LEFT] -= 1.0
        if state[S_NEXT_LEFT] <= 0.0:
            state[S_NEXT_SIDE] = 0.0
            reject_order(state, REJECT_EXPIRED)
    if state[S_QUANTITY] != 0.0 and state[S_ENTRY_INDEX] == state[S_INDEX]:
        state[S_ENTRY_TROUGH] = state[S_BAR_TROUGH]
    if config[C_SIZE_KIND] == SIZE_VOL:
        update_volatility(state, config, c)
    state[S_CLOSE] = c
    state[S_INDEX] += 1.0


@compiled
def _exit_at_open(state: Floats, config: Floats, trades: Floats, o: float) -> None:
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    a = o * side
    # Resting orders fill before market orders: a gap through the stop keeps its own reason.
    outcome = _position_on_path(state, config, side, a, a, a, a)
    record_extremes(state, side, outcome)
    if outcome.reason == EXIT_NONE:
        close_position(state, config, trades, o, EXIT_SIGNAL, False, True)
    else:
        _close(state, config, trades, side, outcome)


@compiled
def _close(state: Floats, config: Floats, trades: Floats, side: float, outcome: PathOutcome) -> None:
    price = outcome.price * side
    close_position(state, config, trades, price, outcome.reason, outcome.is_gap, outcome.takes_liquidity)


@compiled
def _run_open_position(state: Floats, config: Floats, trades: Floats, o: float, h: float, low: float, c: float) -> None:
    side = 1.0 if state[S_QUANTITY] > 0.0 else -1.0
    a, top, bottom, z = o * side, max(h * side, low * side), min(h * side, low * side), c * side
    favourable = _position_on_path(state, config, side, a, top, bottom, z)
    adverse = _position_on_path(state, config, side, a, bottom, top, z)
    outcome = favourable
    if exits_differ(favourable, adverse):
        state[S_AMBIGUOUS_BARS] += 1.0
        state[S_AMBIGUOUS] = 1.0
        quantity, target = abs(state[S_QUANTITY]), state[S_TARGET]
        favourable_value = position_value_at_close(config, side, quantity, target, favourable, c)
        adverse_value = position_value_at_close(config, side, quantity, target, adverse, c)
        if uses_adverse_path(state, config, side, favourable_value, adverse_value, adverse.reason, o, h, low):
            outcome = adverse
    elif extremes_use_adverse_path(config, side, favourable, adverse, o, h, low):
        outcome = adverse
    record_extremes(state, side, outcome)
    if outcome.reason != EXIT_NONE:
        _close(state, config, trades, side, outcome)


@compiled
def _run_pending_entry(state: Floats, config: Floats, trades: Floats, o: float, h: float, low: float, c: float) -> None:
    side = state[S_NEXT_SIDE]
    a, top, bottom, z = o * side, max(h * side, low * side), min(h * side, low * side), c * side
    favourable = _entry_on_path(state, config, side, a, top, bottom, z)
    adverse = _entry_on_path(state, config, side, a, bottom, top, z)
    outcome = favourable
    is_ambiguous = False
    if favourable.is_filled != adverse.is_filled or (
        favourable.is_filled and (favourable.price != adverse.price or exits_differ(favourable.exit, adverse.exit))
    ):
        is_ambiguous = True
        favourable_value = entry_value_at_close(state, config, side, favourable, c)
        adverse_value = entry_value_at_close(state, config, side, adverse, c)
        if uses_adverse_path(state, config, side, favourable_value, adverse_value, adverse.exit.reason, o, h, low):
            outcome = adverse
    elif extremes_use_adverse_path(config, side, favourable.exit, adverse.exit, o, h, low):
        outcome = adverse
    state[S_NEXT_FRESH] = 0.0
    state[S_NEXT_TRIGGERED] = 1.0 if outcome.is_triggered else 0.0
    if outcome.is_filled:
        state[S_NEXT_SIDE] = 0.0
        if not open_position(state, config, side, outcome.price, outcome.is_maker, outcome.market_price):
            return
        record_extremes(state, side, outcome.exit)
    if is_ambiguous:
        state[S_AMBIGUOUS_BARS] += 1.0
        state[S_AMBIGUOUS] = 1.0
    if outcome.is_filled and outcome.exit.reason != EXIT_NONE:
        _close(state, config, trades, side, outcome.exit)


@compiled
def _position_on_path(
    state: Floats, config: Floats, side: float, first: float, second: float, third: float, last: float
) -> PathOutcome:
    return exit_on_path(
        first,
        second,
        third,
        last,
        state[S_STOP] * side,
        state[S_TARGET] * side,
        state[S_TRAIL],
        state[S_PEAK] * side,
        config[C_AUCTION] != 0.0,
        config[C_THROUGH],
        False,
    )


@compiled
def _entry_on_path(
    state: Floats, config: Floats, side: float, first: float, second: float, third: float, last: float
) -> EntryOutcome:
    auction, through = config[C_AUCTION] != 0.0, config[C_THROUGH]
    entry = entry_on_path(
        first,
        second,
        third,
        last,
        int(state[S_NEXT_KIND]),
        state[S_NEXT_LIMIT] * side,
        state[S_NEXT_TRIGGER] * side,
        state[S_NEXT_TRIGGERED] != 0.0,
        auction,
        through,
        state[S_NEXT_FRESH] != 0.0,
    )
    if entry.leg == NO_FILL:
        nothing = PathOutcome(EXIT_NONE, math.nan, math.nan, False, False, math.nan)
        return EntryOutcome(False, math.nan, False, entry.is_triggered, nothing, math.nan)
    market_price = entry.price * side
    fill = market_price if entry.is_maker else taker_price(config, market_price, side, state[S_NEXT_LIMIT])
    stop, target, trail = bracket_prices(state, config, side, fill)
    if entry.leg > 0:
        second = entry.path_price
    if entry.leg > 1:
        third = entry.path_price
    outcome = exit_on_path(
        entry.path_price,
        second,
        third,
        last,
        stop * side,
        target * side,
        trail,
        fill * side,
        auction,
        through,
        True,
    )
    return EntryOutcome(True, fill, entry.is_maker, entry.is_triggered, outcome, market_price)
