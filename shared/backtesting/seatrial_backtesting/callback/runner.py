"""Runs a Python callback over bars: it sees history, answers with decisions; fills are the kernel's business."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from seatrial_backtesting.callback.history import BarHistory, opened
from seatrial_backtesting.callback.signals import CallbackDecisions
from seatrial_trading.quant.candles import Candles

# Any: what the guide's callbacks take and return is theirs to type.
Callback = Callable[[Any, str], Mapping[str, Any] | None]
OnError = Literal["raise", "skip", "stop"]
ON_ERROR: tuple[OnError, ...] = ("raise", "skip", "stop")
MAX_ERRORS_LISTED = 20


class StrategyFailed(Exception):
    """A strategy raised; the message names the bar, the cause is what it raised."""


@dataclass(frozen=True)
class Failure:
    """An exception of a strategy and the bar whose close it was asked about."""

    index: int
    error: str
    traceback: str


@dataclass
class CallbackSignals:
    """What a strategy decided, and where it failed."""

    decisions: CallbackDecisions = field(default_factory=CallbackDecisions)
    failures: list[Failure] = field(default_factory=list)
    failed: int = 0


def ask(strategy: Callback, candles: Candles, on_error: OnError = "raise", strict: bool = False) -> CallbackSignals:
    """Call the strategy once at the close of every bar with the history up to it, and collect what it decides.

    Args:
        strategy: `f(historical_data, symbol)`, returns None or a dict.
        candles: The bars.
        on_error: An exception of the strategy ends the run (`raise`), only that bar (`skip`), or all asking (`stop`).
        strict: An answer that cannot be taken ends the run too.

    Raises:
        StrategyFailed: The strategy raised and `on_error` is `raise`, or it gave a bad answer and `strict` is set.
    """
    history, bars = opened(candles)
    answers = CallbackSignals()
    while _ask_until_failure(strategy, history, bars, candles, answers, on_error):
        pass
    if strict and answers.decisions.refused:
        bar, refusal = next(iter(answers.decisions.refused.items()))
        raise StrategyFailed(f"bar {bar}: {refusal.reason}")
    return answers


def _ask_until_failure(
    strategy: Callback,
    history: BarHistory,
    bars: Iterator[int],
    candles: Candles,
    answers: CallbackSignals,
    on_error: OnError,
) -> bool:
    symbol, add, closes = candles.symbol, answers.decisions.add, candles.close
    index = -1
    try:
        for index in bars:
            answer = strategy(history, symbol)
            if answer is not None:
                add(index, answer, symbol, float(closes[index]))
    except Exception as error:  # a strategy may raise anything; it is told with its traceback
        if on_error == "raise":
            raise StrategyFailed(f"the strategy raised at bar {index} ({error!r})") from error
        answers.failed += 1
        if len(answers.failures) < MAX_ERRORS_LISTED:
            answers.failures.append(Failure(index, repr(error), traceback.format_exc()))
        return on_error == "skip"
    return False
