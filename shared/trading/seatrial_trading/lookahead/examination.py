"""Runs the checks one after another over a strategy and its bars, and passes the verdict."""

from collections.abc import Callable, Sequence

from seatrial_trading.lookahead import changes, probes, warm_up
from seatrial_trading.lookahead.case import LookaheadCase, finding, report, verdict_of
from seatrial_trading.lookahead.comparison import ComparisonCounts, Decide, Difference
from seatrial_trading.lookahead.decisions import StrategyDecisions, differing
from seatrial_trading.lookahead.findings import LookaheadCheck, LookaheadReport, LookaheadVerdict
from seatrial_trading.lookahead.subject import CheckPlan, Progress, StrategyUnderTest
from seatrial_trading.quant.candles import Candles

REFINEMENTS = 12
ENOUGH = 40  # differing runs show where and how far; more of them show nothing new


def _nothing_told(check: str, done: int, total: int) -> None:
    return None


def examine(
    subject: StrategyUnderTest, candles: Candles, plan: CheckPlan | None = None, told: Progress = _nothing_told
) -> LookaheadReport:
    """Return whether any decision depends on bars to come, on an earlier run, or on chance.

    Args:
        subject: The strategy.
        candles: Bars to try it on; the more decisions it takes on them, the more is proven.
        plan: How much to probe.
        told: Called now and then with the check, how much of it is done and how much there is.
    """
    chosen, candles = plan or CheckPlan(), changes.alone(candles)  # data in reach may be these very arrays
    try:
        whole = subject.decide(changes.alone(candles))
    except Exception as error:  # noqa: BLE001  whatever it raises, there is nothing to judge
        reason = f"the strategy raised on the untouched bars: {type(error).__name__}: {error}"
        return report(subject, candles, chosen, None, LookaheadVerdict.NOT_JUDGED, reason)
    case = LookaheadCase(subject, candles, chosen, whole, told)
    settles = None
    if _repeats(case):
        _hide_outside(case)
        _replay_prefixes(case)
        _poison_futures(case)
        if chosen.warm_up and not subject.outside and not case.findings:  # rows from outside would be other bars'
            settles = warm_up.settling(subject.decide, candles, whole, subject.warm_up_bars)
    verdict, reason = verdict_of(case)
    return report(subject, candles, chosen, case, verdict, reason, settles)


def _repeats(case: LookaheadCase) -> bool:
    """Run again over the same bars: what differs came from an earlier run, a clock or chance."""
    tally, last, subject = case.new_tally(), len(case.candles) - 1, case.subject
    again = subject.carried or subject.decide

    def after_others(bars: Candles) -> StrategyDecisions:
        _run_on_others(case)
        return again(bars)

    for _ in range(2):
        tally.probe(again, changes.alone(case.candles), last, "the same bars again")
    tally.probe(after_others, changes.alone(case.candles), last, "the same bars again, after a run over others")
    if tally.first is None:
        return tally.raised == 0 or _raised_again(case, tally)
    check = LookaheadCheck.NON_DETERMINISM if _hangs_on_chance(case) else LookaheadCheck.STATE_LEAK
    case.findings.append(finding(case, check, tally, tally.first, cut=None))
    return False


def _run_on_others(case: LookaheadCase) -> None:
    try:
        case.subject.decide(changes.poisoned(case.candles, 0, "noise", case.plan.seed))
    except Exception:  # noqa: BLE001  it may refuse such bars; what it leaves behind is asked for
        return


def _raised_again(case: LookaheadCase, tally: ComparisonCounts) -> bool:
    first = Difference(0, 0, "the same bars again", case.whole.at(0), f"raised {tally.error}")
    case.findings.append(finding(case, LookaheadCheck.STATE_LEAK, tally, first, cut=None))
    return False


def _hangs_on_chance(case: LookaheadCase) -> bool:
    """Tell chance, which agrees only when seeded, from state, which may settle after a run or two."""
    seeded = case.subject.seeded
    return (
        seeded is not None
        and _agrees(seeded, case.candles)
        and not _agrees(case.subject.carried or case.subject.decide, case.candles)
    )


def _agrees(decide: Decide, candles: Candles) -> bool:
    runs = [decide(changes.alone(candles)) for _ in range(3)]
    return not any(len(differing(runs[0], again, len(candles))) for again in runs[1:])


def _hide_outside(case: LookaheadCase) -> None:
    """Hide the rows to come of data from outside, while the bars stay as they are."""
    tally, subject, last = case.new_tally(), case.subject, len(case.candles) - 1
    for done, run in enumerate(subject.behind_curtain):  # one run shows row by row: every bar is a cut
        case.told(LookaheadCheck.OUTSIDE_DATA, done, len(subject.behind_curtain))
        tally.probe(run, changes.alone(case.candles), last, "rows to come were hidden in data from outside")
    if subject.hiding is not None:
        for cut in _affordable(case, case.plan.poisonings):
            with subject.hiding(cut + 1):
                tally.probe(subject.decide, changes.alone(case.candles), cut, "rows to come were hidden in it")
    if tally.first is not None:
        cut = tally.first.bar if subject.behind_curtain else tally.first.cut
        case.findings.append(finding(case, LookaheadCheck.OUTSIDE_DATA, tally, tally.first, cut=cut))


def _replay_prefixes(case: LookaheadCase) -> None:
    """Show the first bars only: what was decided on them must be decided again."""
    tally, cuts = case.new_tally(), _affordable(case, case.plan.cuts)

    def shorter(cut: int) -> bool:
        bars = changes.prefix(case.candles, cut + 1, case.plan.seed)
        return tally.probe(case.subject.decide, bars, cut, "the bars after the cut were taken away")

    for done, cut in enumerate(cuts):
        case.told(LookaheadCheck.PREFIX_REPLAY, done, len(cuts))
        shorter(int(cut))
        if tally.differing >= ENOUGH:
            break
    if tally.first is not None:
        _refine(tally.first.cut, shorter)
        case.findings.append(finding(case, LookaheadCheck.PREFIX_REPLAY, tally, tally.first, cut=tally.first.cut))


def _poison_futures(case: LookaheadCase) -> None:
    """Change the bars to come: what was decided before them must stay."""
    tally, cuts = case.new_tally(), _affordable(case, case.plan.poisonings, len(changes.CHANGES))
    for done, cut in enumerate(cuts):
        case.told(LookaheadCheck.FUTURE_POISONING, done, len(cuts))
        if tally.differing >= ENOUGH:
            break
        for change in changes.CHANGES:
            bars = changes.poisoned(case.candles, int(cut) + 1, change, case.plan.seed)
            tally.probe(case.subject.decide, bars, int(cut), f"the bars after the cut were replaced ({change})")
    if tally.first is not None:
        case.findings.append(finding(case, LookaheadCheck.FUTURE_POISONING, tally, tally.first, cut=tally.first.cut))


def _refine(bad: int, probe: Callable[[int], bool]) -> None:
    """Bisect towards the first bar that shows it."""
    good = 0
    for _ in range(REFINEMENTS):
        if bad - good <= 1:
            return
        middle = (good + bad) // 2
        if probe(middle):
            bad = middle
        else:
            good = middle


def _affordable(case: LookaheadCase, most: int, changes_each: int = 1) -> Sequence[int]:
    plan, bars, exhaustive = case.plan, len(case.candles), case.plan.exhaustive_below
    if changes_each > 1:
        exhaustive = most
    if case.subject.costly:
        each = bars * changes_each if changes_each > 1 else bars / 2  # a prefix is half of the bars on average
        most = max(4, min(most, int(plan.costly_rows / each)))
        exhaustive = min(exhaustive, most)
    found: list[int] = probes.cuts(case.whole.active, most, plan.seed + changes_each, exhaustive).tolist()
    return found
