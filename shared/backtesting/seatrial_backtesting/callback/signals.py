"""The decisions of a callback as columns, and what they mean for the position that is open when they are taken."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from seatrial_backtesting.callback.parsing import CallbackAction, CallbackDecision, RefusedAnswer, read
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
# Why a decision that was read amounts to nothing, as `_resolve` notes it.
IDLE_TEXTS = {
    1: REJECTION_TEXTS[layout.Rejection.NOTHING_TO_CLOSE],
    2: "no entry order waits that could be cancelled",
    3: "a position is closed whole; the answer named a smaller size",
}
# A quantity that a strategy computed is the open one up to its last bits.
WHOLE = 1.0 - 1e-9


@dataclass(frozen=True)
class RefusalReason:
    """Why an answer was not taken.

    Args:
        reason: What was found and what is allowed.
        kind: What such reasons are counted under, free of the values found.
        field: The key that was wrong, None where the answer was right but there was nothing to do.
    """

    reason: str
    kind: str
    field: str | None = None


@dataclass
class CallbackDecisions:
    """What a callback decided, one row a decision that could be read, and the reasons for the others by bar."""

    at: list[int] = field(default_factory=list)
    rows: list[CallbackDecision] = field(default_factory=list)
    refused: dict[int, RefusalReason] = field(default_factory=dict)

    def add(self, bar: int, answer: object, symbol: str, close: float) -> None:
        """Take the answer of one bar, or note why it cannot be taken."""
        try:
            decision = read(answer, symbol, close)
        except RefusedAnswer as error:
            self.refused[bar] = RefusalReason(str(error), f"{error.field} cannot be taken", error.field)
            return
        if decision is not None:
            self.at.append(bar)
            self.rows.append(decision)


def signals_of(
    decisions: CallbackDecisions, candles: Candles, config: ExecutionConfig, finer: Candles | None = None
) -> tuple[Signals, dict[int, RefusalReason]]:
    """Return the signals that the decisions amount to, and the reasons of those that amount to nothing.

    `sell` or `close` depends on what is open, so the kernel is run along once, compiled, whatever the bars are.
    """
    n = len(candles)
    wanted = _wanted(n, decisions)
    entry, leave, idle = np.zeros(n, dtype=np.int8), np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.int8)
    signals = _signals(entry, leave, wanted)
    if all(row.action == CallbackAction.BUY for row in decisions.rows):
        entry[decisions.at] = 1
    elif decisions.at:
        action = wanted["action"].astype(np.int8)
        state, packed = config.new_state(), config.pack(candles.interval_ms)
        rows = np.empty((4, layout.T_SIZE))
        sub_bars = match_sub_bars(candles, finer, config)
        _resolve(price_columns(candles), sub_bars, order_columns(signals), action, state, packed, rows, idle)
    texts = {int(bar): IDLE_TEXTS[int(idle[bar])] for bar in np.flatnonzero(idle)}
    reasons = {bar: RefusalReason(text, text) for bar, text in texts.items()}
    return signals, {**decisions.refused, **reasons}


def _wanted(n: int, decisions: CallbackDecisions) -> dict[str, Floats]:
    """Return the decisions as columns over all bars; a column in which nothing is said has one row."""
    said = np.array(decisions.rows, dtype=np.float64).reshape(len(decisions.rows), len(CallbackDecision._fields))
    columns = {}
    for place_, name in enumerate(CallbackDecision._fields):
        nothing = CallbackDecision._field_defaults.get(name, 0)
        values = said[:, place_]
        is_plain = name != "action" and bool(np.all((values == nothing) | np.isnan(values)))
        columns[name] = np.full(1 if is_plain else n, float(nothing))
        if not is_plain:
            columns[name][decisions.at] = values
    return columns


def _signals(entry: Shorts, leave: NDArray[np.bool_], wanted: dict[str, Floats]) -> Signals:
    """Return signals over the columns; entry and exit are filled in later."""

    def said(name: str) -> Floats | None:
        return wanted[name] if len(wanted[name]) == len(entry) else None

    def kinds(name: str) -> Shorts | None:
        column = said(name)
        return None if column is None else column.astype(np.int8)

    waits = said("expires_bars")
    return Signals(
        entry=entry,
        exit=leave,
        stop_loss=said("stop_loss"),
        take_profit=said("take_profit"),
        trailing=said("trailing"),
        stop_base="price",
        entry_type=kinds("kind"),
        limit_price=said("limit_price"),
        stop_price=said("stop_price"),
        expires=None if waits is None else waits.astype(np.int64),
        base=kinds("base"),
        size=said("size"),
        size_kind=kinds("size_kind"),
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
    idle: Shorts,
) -> None:
    shorts = config[layout.C_ALLOW_SHORT] != 0.0
    for i in range(action.shape[0]):
        run_bar(bars, sub_bars, state, config, trades, i)
        if action[i] == 0:
            continue
        size = pick(orders.size, i)
        size_kind = pick(orders.size_kind, i)
        held = state[S_QUANTITY]
        is_part = size < (abs(held) * WHOLE if size_kind == 0 else 1.0)
        orders.entry[i], orders.exit[i], idle[i] = _meaning(
            int(action[i]), held, state[S_NEXT_SIDE], shorts, bool(is_part)
        )
        place_row(orders, state, config, i)


@compiled
def _meaning(action: int, held: float, waiting: float, shorts: bool, is_part: bool) -> tuple[int, bool, int]:
    """Return the entry, whether to leave, and why neither: what an action means for what is open and what waits."""
    if action == 6:
        return (0, False, 2) if waiting == 0.0 else (0, held == 0.0, 0)
    closes_long = (action == 2 or action == 3) and held > 0.0
    closes_short = (action == 1 or action == 3 or action == 5) and held < 0.0
    if closes_long or closes_short:
        return (0, False, 3) if is_part else (0, True, 0)
    if action == 1:
        return 1, False, 0
    if action == 4 or (action == 2 and (shorts or held < 0.0)):
        return -1, False, 0
    takes_back = (action == 2 and waiting > 0.0) or action == 3 or (action == 5 and waiting < 0.0)
    return (0, True, 0) if takes_back and waiting != 0.0 and held == 0.0 else (0, False, 1)
