"""State of the checks of one strategy, and the verdict and report made from it."""

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
class CheckSession:
    """One strategy, its bars, its decisions on all of them, and the results of the checks so far."""

    subject: StrategyUnderTest
    candles: Candles
    plan: CheckPlan
    whole: StrategyDecisions
    on_progress: Progress
    counts: list[ComparisonCounts] = field(default_factory=list)
    findings: list[LookaheadFinding] = field(default_factory=list)

    def new_counts(self) -> ComparisonCounts:
        """Return the counts of one more check."""
        counts = ComparisonCounts(self.whole)
        self.counts.append(counts)
        return counts


def finding(
    session: CheckSession, check: LookaheadCheck, counts: ComparisonCounts, first: Difference, cut: int | None
) -> LookaheadFinding:
    """Return the finding of a check, with advice."""
    ahead = counts.reach_bars if check in (LookaheadCheck.PREFIX_REPLAY, LookaheadCheck.FUTURE_POISONING) else None
    names = ", ".join(session.subject.outside)
    text = advice.for_check(check, ahead, names)
    time_ms = int(session.candles.time_ms[first.bar])
    return LookaheadFinding(
        check, first.bar, time_ms, first.whole, first.changed, cut, ahead, counts.differing, first.how, text
    )


def verdict_of(session: CheckSession) -> tuple[LookaheadVerdict, str]:
    """Return the verdict and its reason."""
    bars, decided = len(session.candles), int(session.whole.active.sum())
    if session.findings:
        checks = ", ".join(dict.fromkeys(item.check.value for item in session.findings))
        return LookaheadVerdict.LEAK, f"decisions depend on what they must not: {checks}"
    if bars < MIN_BARS:
        return LookaheadVerdict.NOT_JUDGED, f"{bars} bars prove nothing; give at least {MIN_BARS}"
    if decided == 0:
        return (
            LookaheadVerdict.NOT_JUDGED,
            f"the strategy decided nothing on {bars} bars; give bars or parameters it trades on",
        )
    if not _ran_on_most(session):
        return LookaheadVerdict.NOT_JUDGED, f"the strategy raised on most of the shortened bars: {_errors(session)}"
    if session.subject.unproven:
        return LookaheadVerdict.NOT_JUDGED, session.subject.unproven
    return LookaheadVerdict.CLEAN, "no decision changed with the future, an earlier run or chance"


def _ran_on_most(session: CheckSession) -> bool:
    return all(counts.raised * 2 <= counts.runs for counts in session.counts)


def _errors(session: CheckSession) -> str:
    return next((counts.error for counts in session.counts if counts.error), "")


def report(
    subject: StrategyUnderTest,
    candles: Candles,
    plan: CheckPlan,
    session: CheckSession | None,
    verdict: LookaheadVerdict,
    reason: str,
    warm_up_result: WarmUp | None = None,
) -> LookaheadReport:
    """Return the report; without a session the strategy raised on its whole bars."""
    return LookaheadReport(
        subject.name,
        candles.symbol,
        verdict,
        reason,
        tuple(session.findings) if session else (),
        warm_up_result,
        _coverage(candles, plan, session),
        _notes(subject, warm_up_result),
    )


def _coverage(candles: Candles, plan: CheckPlan, session: CheckSession | None) -> Coverage:
    bars = len(candles)
    if session is None:
        return Coverage(bars, 0, 0, 0, 1, 0, 1, False, plan.seed)
    cuts = {cut for counts in session.counts[1:] for cut in counts.cuts if cut < bars - 1}
    if session.subject.revealing and not _stopped(session):
        cuts = set(range(bars - 1))
    decided = np.flatnonzero(session.whole.active)
    return Coverage(
        bars,
        len(decided),
        len(cuts),
        sum(int(bar) in cuts for bar in decided),
        1 + sum(counts.runs for counts in session.counts),
        sum(counts.rows for counts in session.counts),
        sum(counts.raised for counts in session.counts),
        len(cuts) == bars - 1,
        plan.seed,
    )


def _stopped(session: CheckSession) -> bool:
    return any(item.check in (LookaheadCheck.STATE_LEAK, LookaheadCheck.NON_DETERMINISM) for item in session.findings)


def _notes(subject: StrategyUnderTest, warm_up_result: WarmUp | None) -> tuple[str, ...]:
    notes = []
    if subject.outside:
        notes.append(f"the strategy can reach data besides the given bars: {', '.join(subject.outside)}")
    if warm_up_result is not None and warm_up_result.settled_after:
        notes.append(warm_up.sentence(warm_up_result))
    return tuple(notes)
