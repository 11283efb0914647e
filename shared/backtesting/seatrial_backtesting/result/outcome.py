"""The outcome of a finished run; statistics, bounds and comparisons are computed when they are first read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from seatrial_backtesting.callback.runner import CallbackFailure
from seatrial_backtesting.callback.signals import RefusalReason
from seatrial_backtesting.result import metrics
from seatrial_backtesting.strategy_ref import StrategyRef
from seatrial_trading.matching import ExecutionConfig, Simulation, simulate
from seatrial_trading.matching.bounds.bounds import ResultBounds, compute_bounds
from seatrial_trading.matching.layout import EXIT_END_OF_DATA, T_REASON, Rejection
from seatrial_trading.matching.records import REJECTION_TEXTS
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.statistics import Statistics
from seatrial_trading.strategy.buy_and_hold import BUY_AND_HOLD, BuyAndHoldParams
from seatrial_trading.strategy.signals import Signals

MAX_REJECTIONS = 1_000


@dataclass(frozen=True)
class SignalRejection:
    """A decision that led to no order.

    Args:
        bar: Index of the bar at whose close it was made.
        reason: Why there was no order.
        field: Key of the callback's answer that was not accepted, None where the market or the account refused.
    """

    bar: int
    reason: str
    field: str | None = None


@dataclass(frozen=True, eq=False)
class BacktestOutcome:
    """A finished run.

    Args:
        candles: The bars.
        strategy: The strategy and its parameters.
        config: Costs, order sizes and fill rules.
        signals: The decisions of the strategy.
        simulation: Trades and equity.
        sub_bars: Bars of a shorter interval, where intrabar is `magnify`.
        refused: Decisions of a callback that were not accepted, by bar.
        failures: The first exceptions of a callback.
        failure_count: How many exceptions a callback raised.
    """

    candles: Candles
    strategy: StrategyRef
    config: ExecutionConfig
    signals: Signals
    simulation: Simulation
    sub_bars: Candles | None = None
    refused: Mapping[int, RefusalReason] = field(default_factory=dict)
    failures: tuple[CallbackFailure, ...] = ()
    failure_count: int = 0

    @cached_property
    def statistics(self) -> Statistics:
        """Return all metrics of the run."""
        return metrics.compute_statistics(self.simulation)

    @cached_property
    def bounds(self) -> ResultBounds:
        """Return the range of results over the possible price orders inside ambiguous bars."""
        return compute_bounds(self.candles, self.signals, self.config, seed=self.config.seed, finer=self.sub_bars)

    @cached_property
    def without_forced_exit(self) -> Simulation | None:
        """Return the run with its last position left open, None if the end of the data closed none."""
        trades = self.simulation.table
        if not len(trades) or trades[-1, T_REASON] != EXIT_END_OF_DATA:
            return None
        return simulate(self.candles, self.signals, replace(self.config, close_at_end=False), self.sub_bars)

    @cached_property
    def benchmark(self) -> Simulation:
        """Return the run of buying at the first tradable open and holding, at the same costs."""
        signals = BUY_AND_HOLD.signals(self.candles, BuyAndHoldParams())
        config = replace(self.config, sizing="equity:1.0", intrabar="worst")
        return simulate(self.candles, signals, config)

    def rejections(self) -> tuple[list[SignalRejection], Counter[str]]:
        """Return the first rejected decisions in the order of bars, and the count of each reason over all of them."""
        codes = self.simulation.rejections
        kinds, counts = np.unique(codes[codes != 0], return_counts=True)
        totals = Counter({_rejection_text(kind): int(count) for kind, count in zip(kinds, counts, strict=True)})
        totals.update(refusal.kind for refusal in self.refused.values())
        by_bar = {bar: SignalRejection(bar, refusal.reason, refusal.field) for bar, refusal in self.refused.items()}
        for bar in np.flatnonzero(codes)[:MAX_REJECTIONS].tolist():
            by_bar.setdefault(bar, SignalRejection(bar, _rejection_text(codes[bar])))
        return [by_bar[bar] for bar in sorted(by_bar)[:MAX_REJECTIONS]], totals


def _rejection_text(code: int) -> str:
    return REJECTION_TEXTS[Rejection(int(code))]
