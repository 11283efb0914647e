"""Growth of the engine's memory per order against a budget, decided only when enough samples exist."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from seatrial_core.contracts.stress import CheckState, StressCheck

BLOCKS = 12
MIN_BLOCKS = 10
WARM_UP_SHARE = 0.2
MEGABYTE = 1 << 20
Z = 1.96


@dataclass(frozen=True)
class MemorySample:
    """The engine's resident memory at a time of the run, in seconds from its start."""

    at_seconds: float
    rss_bytes: int


def check(samples: Sequence[MemorySample], orders: int, seconds: float, budget_mb: float) -> StressCheck:
    """Return the check of growth: the slope of block minima (Theil-Sen with Sen's 95 % interval) against a budget.

    Args:
        samples: The memory in order of time; empty if the engine's process is not accessible.
        orders: How many orders were sent.
        seconds: Duration of the load.
        budget_mb: Allowed growth in MB per 1,000 orders.
    """
    if not samples:
        detail = "the engine's process is not on this machine or cannot be inspected"
        return StressCheck(name="memory_growth", kind="memory", state=CheckState.UNKNOWN, said=detail)
    minima = _block_minima(samples[math.ceil(len(samples) * WARM_UP_SHARE) :])
    if len(minima) < MIN_BLOCKS or not orders:
        detail = f"{len(samples)} samples are too few to estimate a slope"
        return StressCheck(name="memory_growth", kind="memory", state=CheckState.INCONCLUSIVE, said=detail)
    low, middle, high = (slope * seconds / orders * 1_000 / MEGABYTE for slope in _slope(minima))
    values = {"mb_per_1000_orders": middle, "lower": low, "upper": high, "budget": budget_mb, "blocks": len(minima)}
    state = CheckState.PASS if high <= budget_mb else CheckState.FAIL if low > budget_mb else CheckState.INCONCLUSIVE
    detail = f"{middle:.1f} MB per 1,000 orders (95 % {low:.1f} to {high:.1f}), limit {budget_mb:g}"
    return StressCheck(name="memory_growth", kind="memory", state=state, said=detail, values=dict(values))


def _block_minima(samples: Sequence[MemorySample]) -> list[MemorySample]:
    if len(samples) < BLOCKS:
        return list(samples)
    size = len(samples) / BLOCKS
    blocks = [samples[round(n * size) : round((n + 1) * size)] for n in range(BLOCKS)]
    return [min(block, key=lambda sample: sample.rss_bytes) for block in blocks]


def _slope(points: Sequence[MemorySample]) -> tuple[float, float, float]:
    # Sen, P. K. (1968), "Estimates of the regression coefficient based on Kendall's tau": bytes per second.
    slopes = sorted(
        (b.rss_bytes - a.rss_bytes) / (b.at_seconds - a.at_seconds)
        for n, a in enumerate(points)
        for b in points[n + 1 :]
        if b.at_seconds > a.at_seconds
    )
    n = len(points)
    spread = Z * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, math.floor((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return slopes[low], median(slopes), slopes[high]
