"""Calls a Python strategy bar by bar with the history and collects its decisions; the kernel simulates fills."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from seatrial_backtesting.callback.history import BarHistory, open_history
from seatrial_backtesting.callback.signals import CallbackDecisions
from seatrial_trading.quant.candles import Candles

# Any: the guide's callbacks declare their own types.
Callback = Callable[[Any, str], Mapping[str, Any] | None]
OnError = Literal["raise", "skip", "stop"]
ON_ERROR: tuple[OnError, ...] = ("raise", "skip", "stop")
MAX_ERRORS_LISTED = 20


class StrategyFailed(Exception):
    """A strategy raised or gave an invalid answer; the message names the bar, the cause is its exception."""


@dataclass(frozen=True)
class CallbackFailure:
    """An exception of a strategy and the index of the bar at whose close it was called."""

    index: int
    error: str
    traceback: str


@dataclass
class CallbackRun:
    """The decisions of a strategy and its exceptions: the first ones in full, and how many in all."""

    decisions: CallbackDecisions = field(default_factory=CallbackDecisions)
    failures: list[CallbackFailure] = field(default_factory=list)
    failure_count: int = 0


def run_callback(
    strategy: Callback, candles: Candles, on_error: OnError = "raise", strict: bool = False
) -> CallbackRun:
    """Call the strategy at the close of every bar with the history up to it, and collect its decisions.

    Args:
        strategy: `f(historical_data, symbol)`, returns None or a dict.
        candles: The bars.
        on_error: Effect of an exception: `raise` ends the run, `skip` skips the bar, `stop` makes no more calls.
        strict: Whether an answer that is not accepted ends the run.

    Raises:
        StrategyFailed: The strategy raised and `on_error` is `raise`, or an answer is not accepted and `strict` is set.
    """
    history, bars = open_history(candles)
    run = CallbackRun()
    while _call_until_failure(strategy, history, bars, candles, run, on_error):
        pass
    if strict and run.decisions.refused:
        bar, refusal = next(iter(run.decisions.refused.items()))
        raise StrategyFailed(f"bar {bar}: {refusal.reason}")
    return run


def _call_until_failure(
    strategy: Callback,
    history: BarHistory,
    bars: Iterator[int],
    candles: Candles,
    run: CallbackRun,
    on_error: OnError,
) -> bool:
    symbol, add, closes = candles.symbol, run.decisions.add, candles.close
    index = -1
    try:
        for index in bars:
            answer = strategy(history, symbol)
            if answer is not None:
                add(index, answer, symbol, float(closes[index]))
    except Exception as error:  # the user's strategy may raise anything; it is reported with its traceback
        if on_error == "raise":
            raise StrategyFailed(f"the strategy raised at bar {index} ({error!r})") from error
        run.failure_count += 1
        if len(run.failures) < MAX_ERRORS_LISTED:
            run.failures.append(CallbackFailure(index, repr(error), traceback.format_exc()))
        return on_error == "skip"
    return False
