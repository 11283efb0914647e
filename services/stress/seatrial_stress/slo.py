"""Judges latency and errors in three values: kept, broken, or too little seen to say."""

import math
from collections.abc import Sequence

from seatrial_stress.journal import Entry, Outcome
from seatrial_stress.quantiles import quantile
from seatrial_shared.contracts.stress import Check, Plan, Slo, Verdict

Z_ONE_SIDED_95 = 1.6448536269514722
BLOCK_SECONDS = 1.0


def checks(plan: Plan, entries: Sequence[Entry]) -> list[Check]:
    """Return the samples check, one check a promise, and the error budget."""
    if not entries:
        return [Check(name="samples", verdict=Verdict.INVALID, detail="no order was measured")]
    answered = sum(1 for entry in entries if math.isfinite(entry.response_seconds))
    if answered == 0:
        return [Check(name="samples", verdict=Verdict.INVALID, detail=f"none of {len(entries)} orders was answered")]
    samples = Check(name="samples", verdict=Verdict.PASS, detail=f"{len(entries)} orders, {answered} answered")
    return [samples, *(latency(slo, entries) for slo in plan.slos), errors(plan, entries)]


def latency(slo: Slo, entries: Sequence[Entry]) -> Check:
    """Return whether a promise was kept, by the one-sided 95 % bounds of the share that broke it."""
    name = f"p{slo.quantile * 100:g} <= {slo.limit_ms:g} ms"
    late = [entry.response_seconds * 1e3 > slo.limit_ms for entry in entries]
    share, low, high = _bounds(entries, late)
    budget = 1.0 - slo.quantile
    seen = quantile([entry.response_seconds * 1e3 for entry in entries], slo.quantile)
    shown = f"{seen:.1f} ms" if math.isfinite(seen) else "no answer in time"
    detail = f"p{slo.quantile * 100:g} is {shown}, {share:.2%} were later than {slo.limit_ms:g} ms"
    verdict = Verdict.PASS if high < budget else Verdict.FAIL if low > budget else Verdict.INCONCLUSIVE
    if verdict is Verdict.INCONCLUSIVE:
        detail += f"; too little to say (between {low:.2%} and {high:.2%}, allowed {budget:.2%})"
    return Check(name=name, verdict=verdict, detail=detail, figures={"late_ratio": share, "orders": len(entries)})


def errors(plan: Plan, entries: Sequence[Entry]) -> Check:
    """Return whether few enough orders ended without a clear answer."""
    unclear = [entry.outcome is Outcome.INFO for entry in entries]
    share, low, high = _bounds(entries, unclear)
    budget = plan.error_budget_ratio
    verdict = Verdict.PASS if high <= budget else Verdict.FAIL if low > budget else Verdict.INCONCLUSIVE
    detail = f"{sum(unclear)} of {len(entries)} without a clear answer, allowed {budget:.2%}"
    return Check(name="errors", verdict=verdict, detail=detail, figures={"unclear_ratio": share})


def _bounds(entries: Sequence[Entry], broken: Sequence[bool]) -> tuple[float, float, float]:
    """Return the share that broke the promise with its lower and upper bound.

    Requests of one stall are not independent, so the error is taken over blocks of a second; with no breach at all
    the rule of three bounds it.
    """
    n = len(broken)
    share = sum(broken) / n
    if share == 0.0:
        return 0.0, 0.0, 3.0 / n
    if share == 1.0:
        return 1.0, 1.0 - 3.0 / n, 1.0
    blocks: dict[int, list[bool]] = {}
    for entry, each in zip(entries, broken, strict=True):
        blocks.setdefault(int(entry.intended // BLOCK_SECONDS), []).append(each)
    sums = [sum(block) - share * len(block) for block in blocks.values()]
    clustered = math.sqrt(sum(value * value for value in sums)) / n
    binomial = math.sqrt(share * (1.0 - share) / n)
    error = Z_ONE_SIDED_95 * max(clustered, binomial)
    return share, max(0.0, share - error), min(1.0, share + error)
