"""Judges the load generator first: a saturated, dead or silent one proves nothing about the engine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial_stress.journal import Entry
from seatrial_stress.quantiles import quantile
from seatrial_shared.contracts.stress import Check, Plan, Verdict

LAG_SECONDS = 0.005
LAG_SHARE = 0.1
MOST_CPU_RATIO = 0.8
LEAST_SENT_RATIO = 0.995


@dataclass(frozen=True)
class Generator:
    """What is known of the load processes at the end.

    Args:
        scheduled: Arrivals on the tape.
        finished: The load process said that it came to the end of its tape.
        exit_code: Of the load process; None when it had to be killed.
        cpu_ratio: 95th percentile of its use of a core, NaN when unknown.
        errors: What its listeners and greenlets raised.
    """

    scheduled: int
    finished: bool
    exit_code: int | None
    cpu_ratio: float
    errors: tuple[str, ...] = ()


def check(plan: Plan, generator: Generator, entries: Sequence[Entry]) -> Check:
    """Return whether the generator was good enough for its numbers to mean anything."""
    lags = [entry.lag_seconds for entry in entries]
    lag = quantile(lags, 0.99)
    sent = sum(1 for each in lags if math.isfinite(each))
    tightest = min((slo.limit_ms / 1_000.0 for slo in plan.slos), default=1.0)
    allowed = max(LAG_SECONDS, LAG_SHARE * tightest)
    complaints = []
    if not generator.finished or generator.exit_code != 0:
        complaints.append(f"the load process ended with {generator.exit_code} before the end of its tape")
    if generator.errors:
        complaints.append(f"the load process raised: {generator.errors[0]}")
    if generator.scheduled == 0 or sent < LEAST_SENT_RATIO * generator.scheduled:
        complaints.append(f"{sent} of {generator.scheduled} orders were sent")
    if not lag <= allowed:
        complaints.append(f"orders were sent late: p99 {lag * 1e3:.1f} ms, allowed {allowed * 1e3:.1f} ms")
    if not generator.cpu_ratio <= MOST_CPU_RATIO:
        complaints.append(f"its core was busy to {generator.cpu_ratio:.0%}, allowed {MOST_CPU_RATIO:.0%}")
    figures = {"scheduled": generator.scheduled, "sent": sent}
    if math.isfinite(lag):
        figures |= {"lag_p99_ms": round(lag * 1e3, 3)}
    if math.isfinite(generator.cpu_ratio):
        figures |= {"cpu_ratio": round(generator.cpu_ratio, 3)}
    if complaints:
        return Check(name="generator", verdict=Verdict.INVALID, detail="; ".join(complaints), figures=figures)
    return Check(name="generator", verdict=Verdict.PASS, detail=f"lag p99 {lag * 1e3:.1f} ms", figures=figures)
