"""A strategy on trial: what the checks have seen so far, and the report it amounts to."""

from dataclasses import dataclass, field

import numpy as np

from seatrial_trading.lookahead import advice, warm_up
from seatrial_trading.lookahead.comparison import ComparisonCounts, Difference
from seatrial_trading.lookahead.decisions import StrategyDecisions
from seatrial_trading.lookahead.findings import (
    Coverage,
    LookaheadCheck,
    LookaheadFinding,
    LookaheadReport,
    LookaheadVerdict,
    WarmUp,
)
from seatrial_trading.lookahead.subject import CheckPlan, Progress, StrategyUnderTest
from seatrial_trading.quant.candles import Candles

MIN_BARS = 10


@dataclass
class LookaheadCase:
    """One strategy, its bars, its decisions on all of them, and what the checks have seen."""

    subject: StrategyUnderTest
    candles: Candles
    plan: CheckPlan
    whole: StrategyDecisions
    told: Progress
    tallies: list[ComparisonCounts] = field(default_factory=list)
    findings: list[LookaheadFinding] = field(default_factory=list)

    def new_tally(self) -> ComparisonCounts:
        """Return the tally of one more check."""
        tally = ComparisonCounts(self.whole)
        self.tallies.append(tally)
        return tally


def finding(
    case: LookaheadCase, check: LookaheadCheck, tally: ComparisonCounts, first: Difference, cut: int | None
) -> LookaheadFinding:
    """Return what a check found, with what to do about it."""
    ahead = tally.reach_bars if check in (LookaheadCheck.PREFIX_REPLAY, LookaheadCheck.FUTURE_POISONING) else None
    names = ", ".join(case.subject.outside)
    said = advice.for_check(check, ahead, names)
    time_ms = int(case.candles.time_ms[first.bar])
    return LookaheadFinding(
        check, first.bar, time_ms, first.whole, first.changed, cut, ahead, tally.differing, first.how, said
    )


def verdict_of(case: LookaheadCase) -> tuple[LookaheadVerdict, str]:
    """Return the verdict and its reason."""
    bars, decided = len(case.candles), int(case.whole.active.sum())
    if case.findings:
        found = ", ".join(dict.fromkeys(each.check.value for each in case.findings))
        return LookaheadVerdict.LEAK, f"decisions depend on what they must not: {found}"
    if bars < MIN_BARS:
        return LookaheadVerdict.NOT_JUDGED, f"{bars} bars prove nothing; give at least {MIN_BARS}"
    if decided == 0:
        return (
            LookaheadVerdict.NOT_JUDGED,
            f"the strategy decided nothing on {bars} bars; give bars or parameters it trades on",
        )
    if not _judged_runs(case):
        return LookaheadVerdict.NOT_JUDGED, f"the strategy raised on most of the shortened bars: {_errors(case)}"
    if case.subject.unproven:
        return LookaheadVerdict.NOT_JUDGED, case.subject.unproven
    return LookaheadVerdict.CLEAN, "no decision changed with the future, an earlier run or chance"


def _judged_runs(case: LookaheadCase) -> bool:
    return all(each.raised * 2 <= each.runs for each in case.tallies)


def _errors(case: LookaheadCase) -> str:
    return next((each.error for each in case.tallies if each.error), "")


def report(
    subject: StrategyUnderTest,
    candles: Candles,
    plan: CheckPlan,
    case: LookaheadCase | None,
    verdict: LookaheadVerdict,
    reason: str,
    settles: WarmUp | None = None,
) -> LookaheadReport:
    """Return the report; without a case nothing could be tried."""
    return LookaheadReport(
        subject.name,
        candles.symbol,
        verdict,
        reason,
        tuple(case.findings) if case else (),
        settles,
        _coverage(candles, plan, case),
        _notes(subject, settles),
    )


def _coverage(candles: Candles, plan: CheckPlan, case: LookaheadCase | None) -> Coverage:
    bars = len(candles)
    if case is None:
        return Coverage(bars, 0, 0, 0, 1, 0, 1, False, plan.seed)
    cuts = {cut for each in case.tallies[1:] for cut in each.cuts if cut < bars - 1}
    if case.subject.behind_curtain and not _stopped(case):
        cuts = set(range(bars - 1))
    decided = np.flatnonzero(case.whole.active)
    return Coverage(
        bars,
        len(decided),
        len(cuts),
        sum(int(bar) in cuts for bar in decided),
        1 + sum(each.runs for each in case.tallies),
        sum(each.rows for each in case.tallies),
        sum(each.raised for each in case.tallies),
        len(cuts) == bars - 1,
        plan.seed,
    )


def _stopped(case: LookaheadCase) -> bool:
    return any(each.check in (LookaheadCheck.STATE_LEAK, LookaheadCheck.NON_DETERMINISM) for each in case.findings)


def _notes(subject: StrategyUnderTest, settles: WarmUp | None) -> tuple[str, ...]:
    notes = []
    if subject.outside:
        notes.append(f"data besides the given bars is in reach: {', '.join(subject.outside)}")
    if settles is not None and settles.settled_after:
        notes.append(warm_up.sentence(settles))
    return tuple(notes)
