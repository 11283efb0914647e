"""Runs one backtest: bars, a strategy and settings in; trades, equity, figures and a document out."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from seatrial_backtesting.callback.runner import Failure, OnError, ask
from seatrial_backtesting.callback.signals import RefusalReason, signals_of
from seatrial_backtesting.execution_settings import ExecutionSettings, require_finer
from seatrial_backtesting.result import document, manifest, metrics
from seatrial_backtesting.strategy_ref import StrategyRef
from seatrial_trading.matching import ExecutionConfig, Simulation, simulate
from seatrial_trading.matching.bounds.bounds import ResultBounds, compute_bounds
from seatrial_trading.matching.layout import EXIT_END_OF_DATA, T_REASON, Rejection
from seatrial_trading.matching.records import REJECTION_TEXTS
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.statistics import Statistics
from seatrial_trading.strategy.buy_and_hold import BUY_AND_HOLD, BuyAndHoldParams
from seatrial_trading.strategy.signals import Signals

Json = dict[str, Any]  # Any: JSON
Progress = Callable[[float], None]


@dataclass(frozen=True, eq=False)
class BacktestOutcome:
    """A finished run; figures and document are made when they are asked for.

    Args:
        candles: The bars.
        choice: The strategy and its parameters.
        config: What orders cost and how bars were settled.
        signals: What the strategy decided.
        simulation: What came of it.
        finer: The bars of a shorter interval that were walked, where intrabar is `magnify`.
        refused: Decisions of a callback that could not be taken, by bar.
        failures: Exceptions of a callback, and how many in all.
    """

    candles: Candles
    choice: StrategyRef
    config: ExecutionConfig
    signals: Signals
    simulation: Simulation
    finer: Candles | None = None
    refused: Mapping[int, RefusalReason] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    failed: int = 0

    @cached_property
    def statistics(self) -> Statistics:
        """Return every figure of the run."""
        return metrics.figures(self.simulation)

    @cached_property
    def bounds(self) -> ResultBounds:
        """Return what the result could have been had the ambiguous bars gone otherwise."""
        return compute_bounds(self.candles, self.signals, self.config, seed=self.config.seed, finer=self.finer)

    @cached_property
    def unforced(self) -> Simulation | None:
        """Return the same run with its last position left open, None where none was closed by the end of the data."""
        table = self.simulation.table
        if not len(table) or table[-1, T_REASON] != EXIT_END_OF_DATA:
            return None
        return simulate(self.candles, self.signals, replace(self.config, close_at_end=False), self.finer)

    @cached_property
    def benchmark(self) -> Simulation:
        """Return what buying at the first open that can be traded and holding makes, at the same costs."""
        signals = BUY_AND_HOLD.signals(self.candles, BuyAndHoldParams())
        config = replace(self.config, sizing="equity:1.0", intrabar="worst")
        return simulate(self.candles, signals, config)

    def rejections(self) -> tuple[list[tuple[int, str, str | None]], Counter[str]]:
        """Return the first rejected decisions by bar, and how many there are of each reason."""
        found = {bar: (refusal.reason, refusal.field) for bar, refusal in self.refused.items()}
        codes = self.simulation.rejections
        kinds, counts = np.unique(codes[codes != 0], return_counts=True)
        counted = Counter({_text(int(code)): int(count) for code, count in zip(kinds, counts, strict=True)})
        counted.update(refusal.kind for refusal in self.refused.values())
        for bar in np.flatnonzero(codes)[: document.MAX_REJECTIONS].tolist():
            found.setdefault(bar, (_text(int(codes[bar])), None))
        first = sorted(found.items())[: document.MAX_REJECTIONS]
        return [(bar, reason, key) for bar, (reason, key) in first], counted


def execute(
    candles: Candles,
    choice: StrategyRef,
    settling: ExecutionSettings,
    on_error: OnError = "raise",
    strict: bool = False,
    finer: Candles | None = None,
) -> BacktestOutcome:
    """Run a strategy on bars.

    Args:
        candles: The bars.
        choice: The strategy, as `choice.choose` gives it.
        settling: Cash, costs, sizing and how bars are settled.
        on_error: What an exception of a callback does: `raise`, `skip` the bar, or `stop` asking.
        strict: Whether an answer of a callback that cannot be taken ends the run.
        finer: Bars of a shorter interval, for intrabar `magnify`.

    Raises:
        StrategyFailed: A callback raised and `on_error` is `raise`.
    """
    require_finer(settling.intrabar, finer)
    config = settling.execution(choice.size)
    if choice.callback is not None:
        answers = ask(choice.callback, candles, on_error, strict)
        signals, refused = signals_of(answers.decisions, candles, config, finer)
        simulation = simulate(candles, signals, config, finer)
        told = (refused, tuple(answers.failures), answers.failed)
        return BacktestOutcome(candles, choice, config, signals, simulation, finer, *told)
    assert choice.spec is not None and choice.model is not None
    signals = choice.spec.signals(candles, choice.model)
    return BacktestOutcome(candles, choice, config, signals, simulate(candles, signals, config, finer), finer)


def run(
    candles: Candles,
    choice: StrategyRef,
    settling: ExecutionSettings | None = None,
    *,
    data_quality: Mapping[str, Any] | None = None,
    data_sha256: str | None = None,
    on_error: OnError = "raise",
    strict: bool = False,
    finer: Candles | None = None,
    finer_quality: Mapping[str, Any] | None = None,
    report: Progress = lambda ratio: None,
) -> Json:
    """Run a strategy on bars and return the result document (schema 1).

    Args:
        candles: The bars.
        choice: The strategy, as `choice.choose` gives it.
        settling: Cash, costs, sizing and how bars are settled; None takes the defaults.
        data_quality: What the loader found.
        data_sha256: The bars' identity where it is known already.
        on_error: What an exception of a callback does.
        strict: Whether an answer of a callback that cannot be taken ends the run.
        finer: Bars of a shorter interval, for intrabar `magnify`.
        finer_quality: What the loader found in those.
        report: Told how far the run is (0 to 1); may raise to end it.
    """
    report(0.05)
    outcome = execute(candles, choice, settling or ExecutionSettings(), on_error, strict, finer)
    report(0.4)
    assert outcome.statistics is not None
    report(0.5)
    assert outcome.bounds is not None
    report(0.9)
    facts = manifest.data_facts(candles, data_sha256)
    inside = None if finer is None else manifest.data_facts(finer)
    made_of = manifest.inputs(facts, choice.facts, outcome.config, inside)
    odd = {**(data_quality or {}), **({} if finer_quality is None else {"finer": dict(finer_quality)})}
    return document.document(outcome, made_of, odd)


def _text(code: int) -> str:
    return REJECTION_TEXTS[Rejection(code)]
