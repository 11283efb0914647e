"""Turns the decisions of a callback into signals: what an action means depends on the position that is open."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.callback.parsing import CallbackAction, CallbackDecision, RefusedAnswer, parse_answer
from seatrial_trading.matching import layout
from seatrial_trading.matching.array_loop import place_row, run_bar
from seatrial_trading.matching.columns import Bars, Orders, SubBars, order_columns, pick, price_columns
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.matching.layout import S_NEXT_SIDE, S_QUANTITY
from seatrial_trading.matching.records import REJECTION_TEXTS
from seatrial_trading.matching.sub_bars import match_sub_bars
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.jit import compiled
from seatrial_trading.strategy.signals import Signals

Floats = NDArray[np.float64]
Shorts = NDArray[np.int8]
# Reasons of decisions without effect, by the code that `_resolve` stores.
NO_EFFECT_TEXTS = {
    1: REJECTION_TEXTS[layout.Rejection.NOTHING_TO_CLOSE],
    2: "there is no pending entry order to cancel",
    3: "a position can only be closed whole; the answer has a smaller size",
}
# The actions as integers, for the compiled code.
BUY, SELL, CLOSE, SHORT, COVER, CANCEL = (int(action) for action in CallbackAction)
# A quantity that a strategy computes may differ from the open one by rounding.
WHOLE = 1.0 - 1e-9


@dataclass(frozen=True)
class RefusalReason:
    """Why a decision led to no signal.

    Args:
        reason: The value and what is allowed.
        kind: The reason without values, under which it is counted.
        field: The invalid key, None where the answer was valid but had no effect.
    """

    reason: str
    kind: str
    field: str | None = None


@dataclass
class CallbackDecisions:
    """The decisions of a callback.

    Args:
        at: Bar of each accepted decision.
        rows: The accepted decisions.
        refused: Reason of each answer that was not accepted, by bar.
    """

    at: list[int] = field(default_factory=list)
    rows: list[CallbackDecision] = field(default_factory=list)
    refused: dict[int, RefusalReason] = field(default_factory=dict)

    def add(self, bar: int, answer: object, symbol: str, close: float) -> None:
        """Add the answer of one bar, or the reason why it is not accepted."""
        try:
            decision = parse_answer(answer, symbol, close)
        except RefusedAnswer as error:
            self.refused[bar] = RefusalReason(str(error), f"{error.field} was not accepted", error.field)
            return
        if decision is not None:
            self.at.append(bar)
            self.rows.append(decision)


def resolve_signals(
    decisions: CallbackDecisions, candles: Candles, config: ExecutionConfig, sub_bars: Candles | None = None
) -> tuple[Signals, dict[int, RefusalReason]]:
    """Return the signals of the decisions, and the reasons of decisions without effect by bar.

    The effect of `sell` and `close` depends on the open position, so the kernel runs along once.

    Args:
        decisions: The decisions of a callback.
        candles: The bars.
        config: Execution settings.
        sub_bars: Bars of a shorter interval, for intrabar `magnify`.
    """
    n = len(candles)
    columns = _columns(n, decisions)
    entry, leave, no_effect = np.zeros(n, dtype=np.int8), np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.int8)
    signals = _signals(entry, leave, columns)
    if all(row.action == CallbackAction.BUY for row in decisions.rows):
        entry[decisions.at] = 1
    elif decisions.at:
        action = columns["action"].astype(np.int8)
        state, packed = config.new_state(), config.pack(candles.interval_ms)
        rows = np.empty((4, layout.T_SIZE))
        sub_columns = match_sub_bars(candles, sub_bars, config)
        _resolve(price_columns(candles), sub_columns, order_columns(signals), action, state, packed, rows, no_effect)
    texts = {int(bar): NO_EFFECT_TEXTS[int(no_effect[bar])] for bar in np.flatnonzero(no_effect)}
    reasons = {bar: RefusalReason(text, text) for bar, text in texts.items()}
    return signals, {**decisions.refused, **reasons}


def _columns(n: int, decisions: CallbackDecisions) -> dict[str, Floats]:
    # A column of defaults has one row.
    table = np.array(decisions.rows, dtype=np.float64).reshape(len(decisions.rows), len(CallbackDecision._fields))
    columns = {}
    for position, name in enumerate(CallbackDecision._fields):
        default = CallbackDecision._field_defaults.get(name, 0)
        values = table[:, position]
        is_default = name != "action" and bool(np.all((values == default) | np.isnan(values)))
        columns[name] = np.full(1 if is_default else n, float(default))
        if not is_default:
            columns[name][decisions.at] = values
    return columns


def _signals(entry: Shorts, leave: NDArray[np.bool_], columns: dict[str, Floats]) -> Signals:

    def floats(name: str) -> Floats | None:
        return columns[name] if len(columns[name]) == len(entry) else None

    def codes(name: str) -> Shorts | None:
        column = floats(name)
        return None if column is None else column.astype(np.int8)

    expires = floats("expires_bars")
    return Signals(
        entry=entry,
        exit=leave,
        stop_loss=floats("stop_loss"),
        take_profit=floats("take_profit"),
        trailing=floats("trailing"),
        stop_base="price",
        entry_type=codes("kind"),
        limit_price=floats("limit_price"),
        stop_price=floats("stop_price"),
        expires=None if expires is None else expires.astype(np.int64),
        base=codes("base"),
        size=floats("size"),
        size_kind=codes("size_kind"),
    )


@compiled
def _resolve(
    bars: Bars,
    sub_bars: SubBars,
    orders: Orders,
    action: Shorts,
    state: Floats,
    config: Floats,
    trades: Floats,
    no_effect: Shorts,
) -> None:
    allow_short = config[layout.C_ALLOW_SHORT] != 0.0
    for i in range(action.shape[0]):
        run_bar(bars, sub_bars, state, config, trades, i)
        if action[i] == 0:
            continue
        size = pick(orders.size, i)
        size_kind = pick(orders.size_kind, i)
        quantity = state[S_QUANTITY]
        is_part = size < (abs(quantity) * WHOLE if size_kind == 0 else 1.0)
        orders.entry[i], orders.exit[i], no_effect[i] = _effect(
            int(action[i]), quantity, state[S_NEXT_SIDE], allow_short, bool(is_part)
        )
        place_row(orders, state, config, i)


@compiled
def _effect(
    action: int, quantity: float, pending_side: float, allow_short: bool, is_part: bool
) -> tuple[int, bool, int]:
    # Returns the entry, whether to exit, and the code of NO_EFFECT_TEXTS if neither.
    if action == CANCEL:
        return (0, False, 2) if pending_side == 0.0 else (0, quantity == 0.0, 0)
    closes_long = action in (SELL, CLOSE) and quantity > 0.0
    closes_short = action in (BUY, CLOSE, COVER) and quantity < 0.0
    if closes_long or closes_short:
        return (0, False, 3) if is_part else (0, True, 0)
    if action == BUY:
        return 1, False, 0
    if action == SHORT or (action == SELL and (allow_short or quantity < 0.0)):
        return -1, False, 0
    cancels_long = action in (SELL, CLOSE) and pending_side > 0.0
    cancels_short = action in (COVER, CLOSE) and pending_side < 0.0
    return (0, True, 0) if (cancels_long or cancels_short) and quantity == 0.0 else (0, False, 1)
