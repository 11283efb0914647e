"""Runs the lookahead checks on a strategy and its bars."""

from collections.abc import Callable, Sequence

from seatrial_trading.lookahead import altered_bars, cut_points, warm_up
from seatrial_trading.lookahead.check_session import CheckSession, finding, report, verdict_of
from seatrial_trading.lookahead.comparison import ComparisonCounts, Decide, Difference
from seatrial_trading.lookahead.decisions import StrategyDecisions, differing
from seatrial_trading.lookahead.findings import LookaheadCheck, LookaheadReport, LookaheadVerdict
from seatrial_trading.lookahead.subject import CheckPlan, Progress, StrategyUnderTest
from seatrial_trading.quant.candles import Candles

REFINEMENTS = 12
MAX_DIFFERING = 40  # further differing runs show nothing new


def _ignore_progress(check: str, done: int, total: int) -> None:
    return None


def run_checks(
    subject: StrategyUnderTest,
    candles: Candles,
    plan: CheckPlan | None = None,
    on_progress: Progress = _ignore_progress,
) -> LookaheadReport:
    """Return whether any decision depends on later bars, on an earlier run, or on chance.

    Args:
        subject: The strategy.
        candles: Bars to run it on; more decisions on them make the result stronger.
        plan: How many runs to make; None for the defaults.
        on_progress: Called repeatedly with the check, its finished and its total number of steps.
    """
    plan, candles = plan or CheckPlan(), altered_bars.copied(candles)  # the strategy may reach these very arrays
    try:
        whole = subject.decide(altered_bars.copied(candles))
    except Exception as error:  # noqa: BLE001  a strategy may raise anything
        reason = f"the strategy raised on the untouched bars: {type(error).__name__}: {error}"
        return report(subject, candles, plan, None, LookaheadVerdict.NOT_JUDGED, reason)
    session = CheckSession(subject, candles, plan, whole, on_progress)
    warm_up_result = None
    if _check_repeated_runs(session):
        _check_outside_data(session)
        _check_prefixes(session)
        _check_altered_futures(session)
        if plan.warm_up and not subject.outside and not session.findings:  # outside data would not start later too
            warm_up_result = warm_up.measure(subject.decide, candles, whole, subject.warm_up_bars)
    verdict, reason = verdict_of(session)
    return report(subject, candles, plan, session, verdict, reason, warm_up_result)


def _check_repeated_runs(session: CheckSession) -> bool:
    # A difference on the same bars is caused by an earlier run, a clock or chance.
    counts, last, subject = session.new_counts(), len(session.candles) - 1, session.subject
    again = subject.carried or subject.decide

    def after_other_bars(bars: Candles) -> StrategyDecisions:
        _run_on_other_bars(session)
        return again(bars)

    for _ in range(2):
        counts.probe(again, altered_bars.copied(session.candles), last, "the same bars again")
    counts.probe(
        after_other_bars, altered_bars.copied(session.candles), last, "the same bars again, after a run over others"
    )
    if counts.first is None:
        return counts.raised == 0 or _raised_again(session, counts)
    check = LookaheadCheck.NON_DETERMINISM if _depends_on_chance(session) else LookaheadCheck.STATE_LEAK
    session.findings.append(finding(session, check, counts, counts.first, cut=None))
    return False


def _run_on_other_bars(session: CheckSession) -> None:
    try:
        session.subject.decide(altered_bars.poisoned(session.candles, 0, "noise", session.plan.seed))
    except Exception:  # noqa: BLE001  it may refuse such bars; only the state that it leaves matters
        return


def _raised_again(session: CheckSession, counts: ComparisonCounts) -> bool:
    first = Difference(0, 0, "the same bars again", session.whole.at(0), f"raised {counts.error}")
    session.findings.append(finding(session, LookaheadCheck.STATE_LEAK, counts, first, cut=None))
    return False


def _depends_on_chance(session: CheckSession) -> bool:
    # Chance agrees only when seeded; state may agree after a run or two.
    seeded = session.subject.seeded
    return (
        seeded is not None
        and _agrees(seeded, session.candles)
        and not _agrees(session.subject.carried or session.subject.decide, session.candles)
    )


def _agrees(decide: Decide, candles: Candles) -> bool:
    runs = [decide(altered_bars.copied(candles)) for _ in range(3)]
    return not any(len(differing(runs[0], again, len(candles))) for again in runs[1:])


def _check_outside_data(session: CheckSession) -> None:
    counts, subject, last = session.new_counts(), session.subject, len(session.candles) - 1
    for done, run in enumerate(subject.revealing):  # one run reveals row by row: every bar is a cut
        session.on_progress(LookaheadCheck.OUTSIDE_DATA, done, len(subject.revealing))
        counts.probe(run, altered_bars.copied(session.candles), last, "later rows of outside data were hidden")
    if subject.hiding is not None:
        for cut in _affordable(session, session.plan.poisonings):
            with subject.hiding(cut + 1):
                counts.probe(subject.decide, altered_bars.copied(session.candles), cut, "later rows of it were hidden")
    if counts.first is not None:
        cut = counts.first.bar if subject.revealing else counts.first.cut
        session.findings.append(finding(session, LookaheadCheck.OUTSIDE_DATA, counts, counts.first, cut=cut))


def _check_prefixes(session: CheckSession) -> None:
    counts, cuts = session.new_counts(), _affordable(session, session.plan.cuts)

    def shorter(cut: int) -> bool:
        bars = altered_bars.prefix(session.candles, cut + 1, session.plan.seed)
        return counts.probe(session.subject.decide, bars, cut, "the bars after the cut were removed")

    for done, cut in enumerate(cuts):
        session.on_progress(LookaheadCheck.PREFIX_REPLAY, done, len(cuts))
        shorter(int(cut))
        if counts.differing >= MAX_DIFFERING:
            break
    if counts.first is not None:
        _refine(counts.first.cut, shorter)
        session.findings.append(
            finding(session, LookaheadCheck.PREFIX_REPLAY, counts, counts.first, cut=counts.first.cut)
        )


def _check_altered_futures(session: CheckSession) -> None:
    counts, cuts = session.new_counts(), _affordable(session, session.plan.poisonings, len(altered_bars.CHANGES))
    for done, cut in enumerate(cuts):
        session.on_progress(LookaheadCheck.FUTURE_POISONING, done, len(cuts))
        if counts.differing >= MAX_DIFFERING:
            break
        for change in altered_bars.CHANGES:
            bars = altered_bars.poisoned(session.candles, int(cut) + 1, change, session.plan.seed)
            counts.probe(session.subject.decide, bars, int(cut), f"the bars after the cut were replaced ({change})")
    if counts.first is not None:
        session.findings.append(
            finding(session, LookaheadCheck.FUTURE_POISONING, counts, counts.first, cut=counts.first.cut)
        )


def _refine(bad: int, probe: Callable[[int], bool]) -> None:
    # Bisects towards the first bar that shows the difference.
    good = 0
    for _ in range(REFINEMENTS):
        if bad - good <= 1:
            return
        middle = (good + bad) // 2
        if probe(middle):
            bad = middle
        else:
            good = middle


def _affordable(session: CheckSession, limit: int, change_count: int = 1) -> Sequence[int]:
    plan, bars, exhaustive = session.plan, len(session.candles), session.plan.exhaustive_below
    if change_count > 1:
        exhaustive = limit
    if session.subject.costly:
        rows = bars * change_count if change_count > 1 else bars / 2  # a prefix is half of the bars on average
        limit = max(4, min(limit, int(plan.costly_rows / rows)))
        exhaustive = min(exhaustive, limit)
    bars_to_cut: list[int] = cut_points.cuts(session.whole.active, limit, plan.seed + change_count, exhaustive).tolist()
    return bars_to_cut
