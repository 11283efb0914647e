"""Whether a Sharpe ratio is skill: PSR, MinTRL and the deflated Sharpe ratio (Bailey and Lopez de Prado 2012, 2014).

Sharpe ratios are per period here, skewness is the third and kurtosis the raw fourth standardised moment (normal = 3).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from seatrial_core.figures.figure import Figure, known, undefined
from seatrial_trading.quant.column import Floats, column

EULER_GAMMA = 0.5772156649015329
MIN_OBSERVATIONS = 30
NORMAL = NormalDist()


@dataclass(frozen=True)
class SharpeMoments:
    """A per-period Sharpe ratio and the moments that its standard error depends on."""

    sharpe: float
    observations: int
    skewness: float = 0.0
    kurtosis: float = 3.0

    @property
    def radicand(self) -> float:
        """Return 1 - skewness * SR + (kurtosis - 1) / 4 * SR^2: the variance of the estimate, times T - 1."""
        return 1.0 - self.skewness * self.sharpe + (self.kurtosis - 1.0) / 4.0 * self.sharpe * self.sharpe


def moments(returns: Floats | Sequence[float]) -> SharpeMoments | None:
    """Return the moments of excess returns, or None when they do not vary.

    Args:
        returns: Excess returns per period, float64[n].
    """
    values = column(returns)
    if len(values) < 2:
        return None
    mean = float(values.mean())
    deviation = float(values.std())
    if not 1e-15 * (1.0 + float(abs(values).max())) < deviation < math.inf:
        return None
    standard = (values - mean) / deviation
    squares = standard * standard
    return SharpeMoments(
        sharpe=mean / (deviation * math.sqrt(len(values) / (len(values) - 1))),
        observations=len(values),
        skewness=float((squares * standard).mean()),
        kurtosis=float((squares * squares).mean()),
    )


def probabilistic_sharpe(estimate: SharpeMoments, benchmark: float = 0.0) -> Figure:
    """Return the probability that the true Sharpe ratio is above `benchmark` (per period).

    Source: Bailey and Lopez de Prado, The Sharpe Ratio Efficient Frontier, 2012.

    Args:
        estimate: The moments of the excess returns.
        benchmark: The Sharpe ratio to beat, per period.
    """
    if estimate.observations < MIN_OBSERVATIONS:
        return undefined(f"{estimate.observations} returns, needs at least {MIN_OBSERVATIONS}")
    if estimate.radicand <= 0.0:
        return undefined("the moments of the returns give no variance for the Sharpe ratio")
    distance = (estimate.sharpe - benchmark) * math.sqrt(estimate.observations - 1)
    return known(NORMAL.cdf(distance / math.sqrt(estimate.radicand)))


def minimum_track_record(estimate: SharpeMoments, benchmark: float = 0.0, confidence: float = 0.95) -> Figure:
    """Return the minimum track record length: observations for which the PSR reaches `confidence` (0 to 1).

    Source: Bailey and Lopez de Prado, The Sharpe Ratio Efficient Frontier, 2012.

    Args:
        estimate: The moments of the excess returns.
        benchmark: The Sharpe ratio to beat, per period.
        confidence: Probability to reach, 0 to 1, both excluded.
    """
    if estimate.sharpe <= benchmark:
        return undefined("the Sharpe ratio is not above the benchmark")
    if estimate.radicand <= 0.0:
        return undefined("the moments of the returns give no variance for the Sharpe ratio")
    distance = NORMAL.inv_cdf(confidence) / (estimate.sharpe - benchmark)
    return known(1.0 + estimate.radicand * distance * distance)


def expected_maximum_sharpe(variance: float, trials: float) -> float:
    """Return the best per-period Sharpe that `trials` independent trials without skill are expected to show.

    `variance` is that of the trials' per-period Sharpe ratios.

    Source: Bailey and Lopez de Prado, The Deflated Sharpe Ratio, 2014.

    Args:
        variance: Variance of the trials' per-period Sharpe ratios, at least 0.
        trials: Number of independent trials.
    """
    if trials <= 1.0:
        return 0.0
    first = NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_GAMMA) * first + EULER_GAMMA * second)


def deflated_sharpe(estimate: SharpeMoments, variance: float, trials: float) -> Figure:
    """Return the deflated Sharpe ratio: the PSR against the expected best of `trials` trials without skill.

    Source: Bailey and Lopez de Prado, The Deflated Sharpe Ratio, 2014.

    Args:
        estimate: The moments of the excess returns.
        variance: Variance of the trials' per-period Sharpe ratios, at least 0.
        trials: Number of independent trials.
    """
    return probabilistic_sharpe(estimate, expected_maximum_sharpe(variance, trials))


def effective_trials(trials: int, mean_correlation: float) -> float:
    """Return the number of independent trials that equals a number of correlated ones.

    Source: Bailey and Lopez de Prado, The Deflated Sharpe Ratio, 2014.

    Args:
        trials: Number of trials.
        mean_correlation: Mean correlation of their returns, 0 to 1.
    """
    return mean_correlation + (1.0 - mean_correlation) * trials
