"""Runs intrabar scenarios of a known run without simulating again the bars on which nothing differs.

While an entry buys a share of the equity, trades do not depend on its amount: between two trades that met an ambiguous
bar the equity moves by the same ratios in every scenario. So only those trades are simulated again, until the account
is flat where the base run is flat too; the equity in between is that of the base run, scaled.
"""

from collections.abc import Sequence

import numpy as np

from seatrial_trading.matching.bounds import partial_rerun
from seatrial_trading.matching.bounds.partial_rerun import Scenario
from seatrial_trading.matching.columns import order_columns, price_columns
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.matching.layout import T_SIZE, Intrabar
from seatrial_trading.matching.simulation import Simulation
from seatrial_trading.matching.sub_bars import no_sub_bars
from seatrial_trading.quant import sizing
from seatrial_trading.quant.candles import Candles
from seatrial_trading.quant.column import Floats
from seatrial_trading.strategy.signals import Signals

MIN_EQUITY_RATIO = 1e-200  # smaller equity loses digits when scaled
_RULES = {rule.name.lower(): float(rule) for rule in Intrabar}


def supports_incremental(signals: Signals, config: ExecutionConfig, base: Simulation) -> bool:
    """Return whether the trades of a run depend on prices alone.

    That needs market entries for a share of the equity, no lots, no minimum notional and no fixed fee.
    """
    return (
        sizing.parse(config.sizing).kind is sizing.SizingKind.EQUITY
        and not (config.lot_size or config.min_notional or config.fixed_fee)
        and config.intrabar != "magnify"
        and config.close_at_end
        and signals.entry_type is None
        and signals.size is None
        and bool(base.equity.min() > MIN_EQUITY_RATIO * config.cash)
    )


class IncrementalScenarios:
    """The intrabar scenarios of a run that `supports_incremental`.

    Args:
        candles: n bars.
        signals: n decisions.
        config: The execution rules of the run.
        base: The result of the run.
        budget: Bars that may still be simulated; callers subtract those they simulate elsewhere.
    """

    def __init__(
        self, candles: Candles, signals: Signals, config: ExecutionConfig, base: Simulation, budget: int
    ) -> None:
        n = len(candles)
        self.budget = budget
        self._run = partial_rerun.RunInput(
            price_columns(candles), no_sub_bars(), order_columns(signals), config.pack(candles.interval_ms)
        )
        self._base = partial_rerun.base_run(base.table, base.equity)
        self._buffers = partial_rerun.RerunBuffers(
            state=config.new_state(),
            trades=np.empty((1, T_SIZE)),
            equity=np.empty(n + 1),
            rejections=np.zeros(n, dtype=np.int8),
            cache=np.zeros((len(base.table), partial_rerun.ROWS, partial_rerun.SEGMENT)),
            total=np.zeros(partial_rerun.SEGMENT),
        )

    def run(self, scenarios: Sequence[Scenario], least: int = 0) -> Floats:
        """Return the figures of scenarios.

        Args:
            scenarios: An intrabar rule and a seed each, m of them.
            least: Number of scenarios that are run even when the budget is spent.

        Returns:
            float64[m, partial_rerun.FIGURES], with fewer rows where the budget ended.
        """
        packed = np.empty((len(scenarios), 2))
        packed[:, 0], packed[:, 1] = [_RULES[name] for name, _ in scenarios], [seed for _, seed in scenarios]
        figures = np.empty((len(scenarios), partial_rerun.FIGURES))
        count, self.budget = partial_rerun.run_scenarios(
            self._run, self._base, self._buffers, packed, figures, self.budget, least
        )
        return figures[:count]
