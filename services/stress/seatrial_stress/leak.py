"""Judges whether memory grows under load; a short run can only say INCONCLUSIVE or a plain no."""

from collections.abc import Sequence
from itertools import combinations
from statistics import median

from seatrial_shared.contracts.stress import Check, Verdict

FEWEST_SAMPLES = 10
DROPPED_SHARE = 0.2
HOUR_SECONDS = 3_600.0
MEGABYTE = 1 << 20


def check(samples: Sequence[tuple[float, int]], budget_mb_per_hour: float) -> Check:
    """Return whether resident memory grows faster than allowed.

    The slope is Theil and Sen's median of pairwise slopes, with the 5th and 95th percentile of those as its bounds
    (wide on purpose: a run of seconds says little about an hour).

    Args:
        samples: (seconds since the start, resident bytes), in order.
        budget_mb_per_hour: What is allowed.
    """
    kept = list(samples[int(len(samples) * DROPPED_SHARE) :])
    if len(kept) < FEWEST_SAMPLES:
        detail = f"{len(kept)} memory samples of the engine's process; at least {FEWEST_SAMPLES} are needed"
        return Check(name="memory", verdict=Verdict.INCONCLUSIVE, detail=detail)
    slopes = sorted(
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in combinations(kept, 2)
        if later[0] > earlier[0]
    )
    to_hour = HOUR_SECONDS / MEGABYTE
    middle, low, high = (
        median(slopes) * to_hour,
        slopes[int(0.05 * (len(slopes) - 1))] * to_hour,
        slopes[int(0.95 * (len(slopes) - 1))] * to_hour,
    )
    grown = (kept[-1][1] - kept[0][1]) / MEGABYTE
    figures = {"mb_per_hour": round(middle, 1), "low": round(low, 1), "high": round(high, 1), "grown_mb": round(grown, 2)}
    detail = f"{middle:+.0f} MB/h ({low:+.0f} to {high:+.0f}), allowed {budget_mb_per_hour:g}; {grown:+.1f} MB in this run"
    if low > budget_mb_per_hour:
        return Check(name="memory", verdict=Verdict.FAIL, detail=detail, figures=figures)
    if middle <= budget_mb_per_hour:
        return Check(name="memory", verdict=Verdict.PASS, detail=detail, figures=figures)
    return Check(name="memory", verdict=Verdict.INCONCLUSIVE, detail=detail, figures=figures)
