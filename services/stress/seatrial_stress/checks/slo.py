"""Whether enough requests were fast enough, said only when the sample can carry it."""

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
    """One request: when it was meant to leave, and how long it took from then (infinite when it went wrong)."""

    at_seconds: float
    seconds: float


@dataclass(frozen=True)
class ShareBounds:
    """The share of bad requests with its one-sided 95 % bounds."""

    n: int
    ratio: float
    lower: float
    upper: float


def judge(
    name: str, samples: Sequence[LatencySample], limit_seconds: float, allowed: float, window_seconds: float
) -> StressCheck:
    """Judge whether the share of requests slower than a limit is below what is allowed.

    Args:
        name: The check's name.
        samples: Every request, those that went wrong too.
        limit_seconds: The slowest good answer.
        allowed: The allowed share, such as 0.01 for a p99.
        window_seconds: No window of this length may have more than three times that share.
    """
    if not samples:
        return StressCheck(name=name, kind="slo", state=CheckState.INVALID, said="no request was measured")
    if any(math.isnan(each.seconds) for each in samples):
        return StressCheck(name=name, kind="slo", state=CheckState.INVALID, said="a measured time is not a number")
    found = bounds(samples, limit_seconds)
    worst = _worst_window(samples, limit_seconds, window_seconds)
    least = least_n(1 - allowed)
    values = {"n": found.n, "least_n": least, "bad_ratio": found.ratio, "lower": found.lower, "upper": found.upper}
    values["worst_window_ratio"] = worst
    if found.lower > allowed:
        state = CheckState.FAIL
    elif found.upper >= allowed or found.n < least:
        state = CheckState.INCONCLUSIVE
    else:
        state = CheckState.PASS if worst <= WORST_WINDOW_FACTOR * allowed else CheckState.FAIL
    said = f"{found.ratio:.2%} of {found.n} over {limit_seconds * 1000:g} ms, allowed {allowed:.2%}"
    if state is CheckState.INCONCLUSIVE:
        said += f"; 95 % bounds {found.lower:.2%} to {found.upper:.2%}, at least {least} requests needed"
    if worst > WORST_WINDOW_FACTOR * allowed:
        said += f"; worst {window_seconds:g} s: {worst:.2%}"
    return StressCheck(name=name, kind="slo", state=state, said=said, values=dict(values))


def least_n(quantile: float) -> int:
    """Return how many requests a PASS at a quantile needs at least."""
    return MIN_SAMPLES.get(round(quantile, 6), math.ceil(3.05 / (1 - quantile)))


def bounds(samples: Sequence[LatencySample], limit_seconds: float) -> ShareBounds:
    """Return the share of samples over a limit; bounds count for requests of one stall being no independent ones."""
    n = len(samples)
    bad = sum(each.seconds > limit_seconds for each in samples)
    ratio = bad / n
    spread = CONFIDENCE_Z * _standard_error(samples, limit_seconds, ratio)
    lower = min(_exact_lower(bad, n), max(0.0, ratio - spread))
    upper = max(_exact_upper(bad, n), min(1.0, ratio + spread))
    return ShareBounds(n, ratio, lower, upper)


def _standard_error(samples: Sequence[LatencySample], limit: float, ratio: float) -> float:
    """Newey and West (1987) over blocks of one second."""
    ordered = sorted(samples, key=lambda each: each.at_seconds)
    blocks = [
        sum((each.seconds > limit) - ratio for each in block)
        for _, block in groupby(ordered, key=lambda each: math.floor(each.at_seconds))
    ]
    lags = math.floor(4 * (len(blocks) / 100) ** (2 / 9))
    variance = sum(each * each for each in blocks)
    for lag in range(1, min(lags, len(blocks) - 1) + 1):
        weight = 1 - lag / (lags + 1)
        variance += 2 * weight * sum(a * b for a, b in zip(blocks, blocks[lag:], strict=False))
    return math.sqrt(max(0.0, variance)) / len(samples)


def _worst_window(samples: Sequence[LatencySample], limit: float, window: float) -> float:
    last = max(each.at_seconds for each in samples)
    # What is left at the end joins the window before; a handful of requests is no window.
    count = max(1, math.floor(last / window))
    grouped: dict[int, list[bool]] = {}
    for each in samples:
        place = min(count - 1, math.floor(each.at_seconds / window))
        grouped.setdefault(place, []).append(each.seconds > limit)
    return max(sum(group) / len(group) for group in grouped.values())


def _exact_upper(bad: int, n: int) -> float:
    if bad >= n:
        return 1.0
    return _root(lambda p: _at_most(bad, n, p) - 0.05)


def _exact_lower(bad: int, n: int) -> float:
    if bad == 0:
        return 0.0
    return _root(lambda p: _at_most(bad - 1, n, p) - 0.95)


def _at_most(bad: int, n: int, p: float) -> float:
    """Return the probability of at most `bad` of `n`, each with probability p (0 < p < 1)."""
    total = 0.0
    for k in range(bad + 1):
        choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        total += math.exp(choose + k * math.log(p) + (n - k) * math.log1p(-p))
    return total


def _root(falling: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
