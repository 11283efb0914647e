"""Runs one backtest: bars, a strategy and settings in; trades, equity, metrics and a document out."""

from collections.abc import Callable, Mapping
from typing import Any

from seatrial_backtesting.callback.runner import OnError, run_callback
from seatrial_backtesting.callback.signals import resolve_signals
from seatrial_backtesting.execution_settings import ExecutionSettings, check_sub_bars
from seatrial_backtesting.result import document, manifest
from seatrial_backtesting.result.outcome import BacktestOutcome
from seatrial_backtesting.strategy_ref import StrategyRef
from seatrial_core.json_types import Json
from seatrial_trading.matching import simulate
from seatrial_trading.quant.candles import Candles

ReportProgress = Callable[[float], None]


def execute(
    candles: Candles,
    strategy: StrategyRef,
    settings: ExecutionSettings,
    on_error: OnError = "raise",
    strict: bool = False,
    sub_bars: Candles | None = None,
) -> BacktestOutcome:
    """Run a strategy on bars.

    Args:
        candles: The bars.
        strategy: The strategy, from `resolve_strategy`.
        settings: Balance, costs, order sizes and fill rules.
        on_error: Effect of an exception of a callback: `raise`, `skip` the bar, or `stop` calling.
        strict: Whether an answer of a callback that is not accepted ends the run.
        sub_bars: Bars of a shorter interval, for intrabar `magnify`.

    Raises:
        StrategyFailed: A callback raised and `on_error` is `raise`, or `strict` is set and an answer is not accepted.
        ValidationFailed: Sub-bars and intrabar rule do not match.
    """
    check_sub_bars(settings.intrabar, sub_bars)
    config = settings.execution(strategy.size)
    if strategy.callback is not None:
        answers = run_callback(strategy.callback, candles, on_error, strict)
        signals, refused = resolve_signals(answers.decisions, candles, config, sub_bars)
        simulation = simulate(candles, signals, config, sub_bars)
        failures = (tuple(answers.failures), answers.failure_count)
        return BacktestOutcome(candles, strategy, config, signals, simulation, sub_bars, refused, *failures)
    assert strategy.spec is not None and strategy.model is not None
    signals = strategy.spec.signals(candles, strategy.model)
    return BacktestOutcome(candles, strategy, config, signals, simulate(candles, signals, config, sub_bars), sub_bars)


def run(
    candles: Candles,
    strategy: StrategyRef,
    settings: ExecutionSettings | None = None,
    *,
    data_quality: Mapping[str, Any] | None = None,
    data_sha256: str | None = None,
    on_error: OnError = "raise",
    strict: bool = False,
    sub_bars: Candles | None = None,
    sub_bars_quality: Mapping[str, Any] | None = None,
    report_progress: ReportProgress = lambda ratio: None,
) -> Json:
    """Run a strategy on bars and return the result document (schema 1).

    Args:
        candles: The bars.
        strategy: The strategy, from `resolve_strategy`.
        settings: Balance, costs, order sizes and fill rules; None takes the defaults.
        data_quality: Data quality of the bars, from the loader.
        data_sha256: Hash of the bars, if the caller has it already.
        on_error: Effect of an exception of a callback.
        strict: Whether an answer of a callback that is not accepted ends the run.
        sub_bars: Bars of a shorter interval, for intrabar `magnify`.
        sub_bars_quality: Data quality of those.
        report_progress: Called with the progress, 0 to 1; may raise to end the run.
    """
    report_progress(0.05)
    outcome = execute(candles, strategy, settings or ExecutionSettings(), on_error, strict, sub_bars)
    report_progress(0.4)
    assert outcome.statistics is not None
    report_progress(0.5)
    assert outcome.bounds is not None
    report_progress(0.9)
    data = manifest.data_identity(candles, data_sha256)
    finer = None if sub_bars is None else manifest.data_identity(sub_bars)
    inputs = manifest.build_inputs(data, strategy.identity, outcome.config, finer)
    quality = {**(data_quality or {}), **({} if sub_bars_quality is None else {"finer": dict(sub_bars_quality)})}
    return document.build_document(outcome, inputs, quality)
