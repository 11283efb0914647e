"""Latency objectives: the share of slow requests against a limit, decided only when the sample is large enough."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from seatrial_core.contracts.stress import CheckState, StressCheck

CONFIDENCE_Z = 1.645  # one-sided 95 %
WORST_WINDOW_FACTOR = 3.0
MIN_SAMPLES = {0.95: 60, 0.99: 301, 0.999: 3_041}


@dataclass(frozen=True)
class LatencySample:
    """One request: its intended time and its latency from then, in seconds; infinite if it failed."""

    at_seconds: float
    seconds: float


@dataclass(frozen=True)
class ShareBounds:
    """The share of bad requests with its one-sided 95 % bounds."""

    n: int
    ratio: float
    lower: float
    upper: float


def check(
    name: str, samples: Sequence[LatencySample], limit_seconds: float, allowed_ratio: float, window_seconds: float
) -> StressCheck:
    """Return whether the share of requests slower than a limit is within the allowed share.

    Args:
        name: The check's name.
        samples: Every request, failed ones included.
        limit_seconds: The slowest good answer.
        allowed_ratio: The allowed share between 0 and 1, such as 0.01 for a p99.
        window_seconds: No window of this length may have more than three times that share.
    """
    if not samples:
        return StressCheck(name=name, kind="slo", state=CheckState.INVALID, said="no request was measured")
    if any(math.isnan(sample.seconds) for sample in samples):
        return StressCheck(name=name, kind="slo", state=CheckState.INVALID, said="a measured latency is NaN")
    share = bounds(samples, limit_seconds)
    worst = _worst_window(samples, limit_seconds, window_seconds)
    required = min_samples(1 - allowed_ratio)
    state = _state(share, worst, allowed_ratio, required)
    detail = f"{share.ratio:.2%} of {share.n} over {limit_seconds * 1000:g} ms, limit {allowed_ratio:.2%}"
    if state is CheckState.INCONCLUSIVE:
        detail += f"; 95 % bounds {share.lower:.2%} to {share.upper:.2%}, at least {required} requests needed"
    if worst > WORST_WINDOW_FACTOR * allowed_ratio:
        detail += f"; worst {window_seconds:g} s: {worst:.2%}"
    values = {
        "n": share.n,
        "least_n": required,
        "bad_ratio": share.ratio,
        "lower": share.lower,
        "upper": share.upper,
        "worst_window_ratio": worst,
    }
    return StressCheck(name=name, kind="slo", state=state, said=detail, values=dict(values))


def min_samples(quantile: float) -> int:
    """Return the number of requests that a PASS at a quantile requires."""
    return MIN_SAMPLES.get(round(quantile, 6), math.ceil(3.05 / (1 - quantile)))


def bounds(samples: Sequence[LatencySample], limit_seconds: float) -> ShareBounds:
    """Return the share of samples over a limit, with bounds that allow for correlation within a stall."""
    n = len(samples)
    bad = sum(sample.seconds > limit_seconds for sample in samples)
    ratio = bad / n
    spread = CONFIDENCE_Z * _standard_error(samples, limit_seconds, ratio)
    lower = min(_exact_lower(bad, n), max(0.0, ratio - spread))
    upper = max(_exact_upper(bad, n), min(1.0, ratio + spread))
    return ShareBounds(n, ratio, lower, upper)


def _state(share: ShareBounds, worst: float, allowed_ratio: float, required: int) -> CheckState:
    if share.lower > allowed_ratio:
        return CheckState.FAIL
    if share.upper >= allowed_ratio or share.n < required:
        return CheckState.INCONCLUSIVE
    return CheckState.PASS if worst <= WORST_WINDOW_FACTOR * allowed_ratio else CheckState.FAIL


def _standard_error(samples: Sequence[LatencySample], limit: float, ratio: float) -> float:
    # Newey and West (1987), "A simple, positive semi-definite, ... covariance matrix", over blocks of one second.
    ordered = sorted(samples, key=lambda sample: sample.at_seconds)
    blocks = [
        sum((sample.seconds > limit) - ratio for sample in block)
        for _, block in groupby(ordered, key=lambda sample: math.floor(sample.at_seconds))
    ]
    lags = math.floor(4 * (len(blocks) / 100) ** (2 / 9))
    variance = sum(block * block for block in blocks)
    for lag in range(1, min(lags, len(blocks) - 1) + 1):
        weight = 1 - lag / (lags + 1)
        variance += 2 * weight * sum(a * b for a, b in zip(blocks, blocks[lag:], strict=False))
    return math.sqrt(max(0.0, variance)) / len(samples)


def _worst_window(samples: Sequence[LatencySample], limit: float, window: float) -> float:
    last = max(sample.at_seconds for sample in samples)
    # The remainder at the end joins the previous window; a handful of requests is too few for one.
    count = max(1, math.floor(last / window))
    windows: dict[int, list[bool]] = {}
    for sample in samples:
        index = min(count - 1, math.floor(sample.at_seconds / window))
        windows.setdefault(index, []).append(sample.seconds > limit)
    return max(sum(slow) / len(slow) for slow in windows.values())


def _exact_upper(bad: int, n: int) -> float:
    # Clopper and Pearson (1934), one-sided 95 %.
    if bad >= n:
        return 1.0
    return _root(lambda p: _probability_at_most(bad, n, p) - 0.05)


def _exact_lower(bad: int, n: int) -> float:
    if bad == 0:
        return 0.0
    return _root(lambda p: _probability_at_most(bad - 1, n, p) - 0.95)


def _probability_at_most(bad: int, n: int, p: float) -> float:
    total = 0.0
    for k in range(bad + 1):
        choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        total += math.exp(choose + k * math.log(p) + (n - k) * math.log1p(-p))
    return total


def _root(decreasing: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if decreasing(middle) > 0 else (low, middle)
    return (low + high) / 2
