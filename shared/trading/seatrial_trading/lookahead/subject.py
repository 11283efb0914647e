"""A strategy as the checks see it, and how much of it they are to try."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from pydantic import BaseModel

from seatrial_trading.lookahead import probes
from seatrial_trading.lookahead.comparison import Decide
from seatrial_trading.lookahead.decisions import of_signals
from seatrial_trading.strategy.protocol import StrategySpec

Progress = Callable[[str, int, int], None]  # check, done, of how many


@dataclass(frozen=True)
class StrategyUnderTest:
    """A strategy as the checks see it.

    Args:
        name: As it is reported.
        decide: Runs it afresh over bars.
        warm_up_bars: Bars it says it needs, None if it says nothing.
        carried: Runs it with whatever earlier runs have left; None where nothing is known to be left.
        seeded: Runs it with the global random numbers seeded alike; None where it cannot use any.
        hiding: Hides rows from `kept` on of data that it can reach besides the bars it is given; None if none is.
        behind_curtain: Ways to run it over bars while such data is shown row by row, for one asked bar by bar.
        outside: Names of such data.
        unproven: Why it cannot be judged whole even if nothing is found, "" if it can.
        costly: It is asked bar by bar, so that fewer cuts are affordable.
    """

    name: str
    decide: Decide
    warm_up_bars: int | None = None
    carried: Decide | None = None
    seeded: Decide | None = None
    hiding: Callable[[int], AbstractContextManager[object]] | None = None
    behind_curtain: tuple[Decide, ...] = ()
    outside: tuple[str, ...] = ()
    unproven: str = ""
    costly: bool = False


@dataclass(frozen=True)
class CheckPlan:
    """How much is probed.

    Args:
        seed: Of cuts and changes.
        cuts: Cuts at most of a series too long to be cut at every bar.
        costly_rows: Bars that a strategy asked bar by bar may be asked about, for each check.
        poisonings: Cuts after which the future is changed.
        exhaustive_below: A series of at most so many bars is cut at every bar.
        warm_up: Whether to try later starts too.
    """

    seed: int = 0
    cuts: int = 1_200
    costly_rows: int = 100_000
    poisonings: int = 150
    exhaustive_below: int = probes.EXHAUSTIVE_BELOW
    warm_up: bool = True


def signals_subject(spec: StrategySpec, params: BaseModel) -> StrategyUnderTest:
    """Return a registered strategy or a rule document, with its parameters, as a subject."""
    return StrategyUnderTest(
        spec.name, lambda candles: of_signals(spec.signals(candles, params)), warm_up_bars=spec.warm_up_bars(params)
    )
