"""The decisions of a callback as columns, and what they mean for the position that is open when they are taken."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial_shared.matching import layout
from seatrial_shared.matching.config import ExecutionConfig
from seatrial_shared.matching.kernel import decide, step
from seatrial_shared.matching.layout import S_QUANTITY
from seatrial_shared.matching.records import REJECTION_TEXTS
from seatrial_shared.quant.candles import Candles
from seatrial_shared.quant.jit import compiled
from seatrial_shared.strategy.signals import Signals

Floats = NDArray[np.float64]
KNOWN_KEYS = ("symbol", "action", "stop_loss", "take_profit", "trailing_pct", "order_type", "tag", "reason")


class Action(IntEnum):
    """What a callback can ask for."""

    BUY = 1  # opens long; closes a short
    SELL = 2  # closes a long; opens short where that is allowed
    CLOSE = 3
    SHORT = 4
    COVER = 5


ACTIONS = {action.name.lower(): action for action in Action}


@dataclass
class Decisions:
    """What a callback decided, one row a decision that could be read, and the reasons for the others by bar."""

    at: list[int] = field(default_factory=list)
    action: list[int] = field(default_factory=list)
    stop_loss: list[float] = field(default_factory=list)
    take_profit: list[float] = field(default_factory=list)
    trailing: list[float] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)

    def add(self, bar: int, answer: object, symbol: str, close: float) -> None:
        """Take the answer of one bar, or note why it cannot be taken."""
        try:
            if not isinstance(answer, Mapping):
                raise ValueError(f"a strategy returns None or a dict, found {type(answer).__name__}")
            action = _action(answer, symbol)
            if action is None:
                return
            stop, target = _number(answer, "stop_loss"), _number(answer, "take_profit")
            trailing = _number(answer, "trailing_pct")
            _check_sides(action, stop, target, close)
        except ValueError as error:
            self.refused[bar] = str(error)
            return
        self.at.append(bar)
        self.action.append(action)
        self.stop_loss.append(stop)
        self.take_profit.append(target)
        self.trailing.append(trailing * close)


def signals_of(decisions: Decisions, candles: Candles, config: ExecutionConfig) -> tuple[Signals, dict[int, str]]:
    """Return the signals that the decisions amount to, and the reasons of those that amount to nothing.

    `sell` or `close` depends on what is open, so the kernel is run along once, compiled, whatever the bars are.
    """
    n = len(candles)
    action = np.zeros(n, dtype=np.int8)
    action[decisions.at] = decisions.action
    stop, target, trailing = (
        _spread(n, decisions.at, values) for values in (decisions.stop_loss, decisions.take_profit, decisions.trailing)
    )
    entry, leave = np.zeros(n, dtype=np.int8), np.zeros(n, dtype=np.bool_)
    idle = np.zeros(n, dtype=np.bool_)
    if all(each == Action.BUY for each in decisions.action):
        entry[decisions.at] = 1
    elif decisions.at:
        none = np.full(1, math.nan)
        _resolve(
            candles.open,
            candles.high,
            candles.low,
            candles.close,
            action,
            none if stop is None else stop,
            none if target is None else target,
            none if trailing is None else trailing,
            config.new_state(),
            config.pack(candles.interval_ms),
            np.empty((4, layout.T_SIZE)),
            entry,
            leave,
            idle,
        )
    nothing = REJECTION_TEXTS[layout.Rejection.NOTHING_TO_CLOSE]
    reasons = {**decisions.refused, **{int(bar): nothing for bar in np.flatnonzero(idle)}}
    return Signals(entry, leave, stop, target, trailing, "price"), reasons


def _action(answer: Mapping[Any, Any], symbol: str) -> Action | None:  # Any: whatever the strategy put there
    unknown = [str(key) for key in answer if key not in KNOWN_KEYS]
    if unknown:
        raise ValueError(f"unknown key {', '.join(unknown)}; known: {', '.join(KNOWN_KEYS)}")
    if answer.get("symbol", symbol) != symbol:
        raise ValueError(f"symbol was {answer['symbol']!r}; this run trades {symbol!r}")
    if str(answer.get("order_type", "market")).lower() != "market":
        raise ValueError(f"order_type was {answer['order_type']!r}; only market orders can be placed")
    name = str(answer.get("action", "")).lower()
    if name == "hold":
        return None
    if name not in ACTIONS:
        raise ValueError(f"action was {answer.get('action')!r}; allowed: {', '.join(ACTIONS)}, hold")
    return ACTIONS[name]


def _number(answer: Mapping[Any, Any], key: str) -> float:
    value = answer.get(key)
    if value is None:
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.inf
    if not math.isfinite(number) or number <= 0.0:
        raise ValueError(f"{key} was {value!r}; allowed: a finite number above 0")
    return number


def _check_sides(action: Action, stop: float, target: float, close: float) -> None:
    side = {Action.BUY: 1.0, Action.SHORT: -1.0}.get(action)
    if side is None:
        return
    if (stop - close) * side >= 0.0:
        raise ValueError(f"stop_loss {stop!r} is on the wrong side of the decision close {close!r}")
    if (target - close) * side <= 0.0:
        raise ValueError(f"take_profit {target!r} is on the wrong side of the decision close {close!r}")


def _spread(n: int, at: list[int], values: list[float]) -> Floats | None:
    if all(math.isnan(value) for value in values):
        return None
    spread = np.full(n, math.nan)
    spread[at] = values
    return spread


@compiled
def _resolve(
    opens: Floats,
    highs: Floats,
    lows: Floats,
    closes: Floats,
    action: NDArray[np.int8],
    stop: Floats,
    target: Floats,
    trail: Floats,
    state: Floats,
    config: Floats,
    trades: Floats,
    entry: NDArray[np.int8],
    leave: NDArray[np.bool_],
    idle: NDArray[np.bool_],
) -> None:
    shorts = config[layout.C_ALLOW_SHORT] != 0.0
    for i in range(opens.shape[0]):
        step(state, config, trades, opens[i], highs[i], lows[i], closes[i])
        wanted = action[i]
        if wanted == 0:
            continue
        held = state[S_QUANTITY]
        closes_long = (wanted == 2 or wanted == 3) and held > 0.0
        closes_short = (wanted == 1 or wanted == 3 or wanted == 5) and held < 0.0
        if closes_long or closes_short:
            leave[i] = True
        elif wanted == 1:
            entry[i] = 1
        elif wanted == 4 or (wanted == 2 and (shorts or held < 0.0)):
            entry[i] = -1
        else:
            idle[i] = True
        decide(
            state,
            config,
            float(entry[i]),
            leave[i],
            stop[i if stop.shape[0] > 1 else 0],
            target[i if target.shape[0] > 1 else 0],
            trail[i if trail.shape[0] > 1 else 0],
            1.0,
        )
