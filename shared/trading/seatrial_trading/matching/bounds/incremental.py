"""What other ways to settle the ambiguous bars come to, without running the bars again on which nothing differs.

While an entry buys a share of the equity, the trades do not hang on how much that is: between two trades that met an
ambiguous bar a run goes up and down by the same ratios whatever came before. So only those trades are run anew, until
the account is flat where the known run was flat too; what lies between is taken from the known run, to scale.
"""

from collections.abc import Sequence

import numpy as np

from seatrial_trading.matching.array_loop import bars, orders
from seatrial_trading.matching.bounds import partial_rerun
from seatrial_trading.matching.config import ExecutionConfig, IntrabarName
from seatrial_trading.matching.layout import T_SIZE, Intrabar
from seatrial_trading.matching.simulation import Simulation
from seatrial_trading.matching.sub_bars import nothing
from seatrial_trading.quant import sizing
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy.signals import Signals

MIN_EQUITY_RATIO = 1e-200  # less cannot be scaled without losing digits
_RULES = {each.name.lower(): float(each) for each in Intrabar}


def can_resettle(signals: Signals, config: ExecutionConfig, known: Simulation) -> bool:
    """Tell whether the trades of a run hang on prices alone: market entries for a share of the equity, no steps."""
    return (
        sizing.parse(config.sizing).kind is sizing.SizingKind.EQUITY
        and not (config.lot_size or config.min_notional or config.fixed_fee)
        and config.intrabar != "magnify"
        and config.close_at_end
        and signals.entry_type is None
        and signals.size is None
        and bool(known.equity.min() > MIN_EQUITY_RATIO * config.cash)
    )


class IncrementalScenarios:
    """The ways to settle the ambiguous bars of a run that `can_resettle`.

    Args:
        candles, signals, config: The run.
        known: What came of it.
        budget: Bars that may still be run; who runs some elsewhere for the same end takes them off.
    """

    def __init__(
        self, candles: Candles, signals: Signals, config: ExecutionConfig, known: Simulation, budget: int
    ) -> None:
        n = len(candles)
        self._config = config.pack(candles.interval_ms)
        self._bars, self._orders, self._finer = bars(candles), orders(signals), nothing()
        self._known = partial_rerun.known(known.table, known.equity)
        self._room = partial_rerun.RerunBuffers(
            state=config.new_state(),
            trades=np.empty((1, T_SIZE)),
            equity=np.empty(n + 1),
            rejections=np.zeros(n, dtype=np.int8),
            settled=np.zeros((len(known.table), partial_rerun.ROWS, partial_rerun.STRETCH)),
            way=np.zeros(partial_rerun.STRETCH),
        )
        self.budget = budget

    def settle(self, ways: Sequence[tuple[IntrabarName, int]], least: int = 0) -> partial_rerun.Floats:
        """Return what ways come to.

        Args:
            ways: An intrabar rule and a seed each.
            least: How many are settled also when the budget is spent.

        Returns:
            float64[m, anew.FIGURES], with fewer rows where the budget ended.
        """
        asked = np.empty((len(ways), 2))
        asked[:, 0], asked[:, 1] = [_RULES[name] for name, _ in ways], [seed for _, seed in ways]
        found = np.empty((len(ways), partial_rerun.FIGURES))
        run = (self._bars, self._finer, self._orders, self._config, self._known, self._room)
        done, self.budget = partial_rerun.settle(*run, asked, found, self.budget, least)
        return found[:done]
