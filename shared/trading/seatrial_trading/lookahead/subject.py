"""The strategy under test, and how many runs the checks make."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from pydantic import BaseModel

from seatrial_trading.lookahead import cut_points
from seatrial_trading.lookahead.comparison import Decide
from seatrial_trading.lookahead.decisions import of_signals
from seatrial_trading.strategy.protocol import StrategySpec

Progress = Callable[[str, int, int], None]  # check, finished steps, total steps


@dataclass(frozen=True)
class StrategyUnderTest:
    """A strategy with the ways in which the checks run it.

    Args:
        name: Its name in the report.
        decide: Runs it from a fresh state over bars.
        warm_up_bars: The warm-up that it declares, None without one.
        carried: Runs it with the state that earlier runs left; None where there is none.
        seeded: Runs it with the global random generators seeded alike; None where it cannot use them.
        hiding: Hides rows from `kept` on of data that it can reach besides its bars; None without such data.
        revealing: Ways to run it bar by bar while such data is revealed row by row.
        outside: Names of such data.
        unproven: Why it cannot be judged even without a finding, "" if it can.
        costly: Whether it is called for each bar, so that fewer cuts are affordable.
    """

    name: str
    decide: Decide
    warm_up_bars: int | None = None
    carried: Decide | None = None
    seeded: Decide | None = None
    hiding: Callable[[int], AbstractContextManager[object]] | None = None
    revealing: tuple[Decide, ...] = ()
    outside: tuple[str, ...] = ()
    unproven: str = ""
    costly: bool = False


@dataclass(frozen=True)
class CheckPlan:
    """How many runs the checks make.

    Args:
        seed: Seed of cuts and changes.
        cuts: Maximum number of cuts of a long series.
        costly_rows: Maximum number of bars that a strategy called for each bar is run on, for each check.
        poisonings: Maximum number of cuts after which later bars are changed.
        exhaustive_below: Series of at most this many bars are cut at every bar.
        warm_up: Whether to run with later starts.
    """

    seed: int = 0
    cuts: int = 1_200
    costly_rows: int = 100_000
    poisonings: int = 150
    exhaustive_below: int = cut_points.EXHAUSTIVE_BELOW
    warm_up: bool = True


def signals_subject(spec: StrategySpec, params: BaseModel) -> StrategyUnderTest:
    """Return a registered strategy or a rule document with its parameters as the strategy under test."""
    return StrategyUnderTest(
        spec.name, lambda candles: of_signals(spec.signals(candles, params)), warm_up_bars=spec.warm_up_bars(params)
    )
