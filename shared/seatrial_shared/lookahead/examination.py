"""Runs the checks one after another over a strategy and its bars, and passes the verdict."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel

from seatrial_shared.lookahead import advice, changes, probes, warm_up
from seatrial_shared.lookahead.comparison import Decide, Difference, Tally
from seatrial_shared.lookahead.decisions import Decisions, differing, of_signals
from seatrial_shared.lookahead.findings import Check, Coverage, Finding, Report, Verdict, WarmUp
from seatrial_shared.quant.candles import Candles
from seatrial_shared.strategy.protocol import StrategySpec

FEWEST_BARS = 10
REFINEMENTS = 12
ENOUGH = 40  # differing runs show where and how far; more of them show nothing new
Progress = Callable[[str, int, int], None]  # check, done, of how many


def _nothing_told(check: str, done: int, total: int) -> None:
    return None


@dataclass(frozen=True)
class Subject:
    """A strategy as the checks see it.

    Args:
        name: As it is reported.
        decide: Runs it afresh over bars.
        warm_up_bars: Bars it says it needs, None if it says nothing.
        carried: Runs it with whatever earlier runs have left; None where nothing is known to be left.
        seeded: Runs it with the global random numbers seeded alike; None where it cannot use any.
        hiding: Hides rows from `kept` on of data that it can reach besides the bars it is given; None if none is.
        behind_curtain: Ways to run it over bars while such data is shown row by row, for one asked bar by bar.
        outside: Names of such data.
        unproven: Why it cannot be judged whole even if nothing is found, "" if it can.
        costly: It is asked bar by bar, so that fewer cuts are affordable.
    """

    name: str
    decide: Decide
    warm_up_bars: int | None = None
    carried: Decide | None = None
    seeded: Decide | None = None
    hiding: Callable[[int], AbstractContextManager[object]] | None = None
    behind_curtain: tuple[Decide, ...] = ()
    outside: tuple[str, ...] = ()
    unproven: str = ""
    costly: bool = False


@dataclass(frozen=True)
class Plan:
    """How much is probed.

    Args:
        seed: Of cuts and changes.
        cuts: Cuts at most of a series too long to be cut at every bar.
        costly_rows: Bars that a strategy asked bar by bar may be asked about, for each check.
        poisonings: Cuts after which the future is changed.
        exhaustive_below: A series of at most so many bars is cut at every bar.
        warm_up: Whether to try later starts too.
    """

    seed: int = 0
    cuts: int = 1_200
    costly_rows: int = 100_000
    poisonings: int = 150
    exhaustive_below: int = probes.EXHAUSTIVE_BELOW
    warm_up: bool = True


@dataclass
class _Case:
    subject: Subject
    candles: Candles
    plan: Plan
    whole: Decisions
    told: Progress
    tallies: list[Tally] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def signals_subject(spec: StrategySpec, params: BaseModel) -> Subject:
    """Return a registered strategy or a rule document, with its parameters, as a subject."""
    return Subject(
        spec.name, lambda candles: of_signals(spec.signals(candles, params)), warm_up_bars=spec.warm_up_bars(params)
    )


def examine(subject: Subject, candles: Candles, plan: Plan | None = None, told: Progress = _nothing_told) -> Report:
    """Return whether any decision depends on bars to come, on an earlier run, or on chance.

    Args:
        subject: The strategy.
        candles: Bars to try it on; the more decisions it takes on them, the more is proven.
        plan: How much to probe.
        told: Called now and then with the check, how much of it is done and how much there is.
    """
    chosen, candles = plan or Plan(), changes.alone(candles)  # data in reach may be these very arrays
    try:
        whole = subject.decide(changes.alone(candles))
    except Exception as error:  # noqa: BLE001  whatever it raises, there is nothing to judge
        reason = f"the strategy raised on the untouched bars: {type(error).__name__}: {error}"
        return _report(subject, candles, chosen, None, Verdict.NOT_JUDGED, reason)
    case = _Case(subject, candles, chosen, whole, told)
    settles = None
    if _repeats(case):
        _hide_outside(case)
        _replay_prefixes(case)
        _poison_futures(case)
        if chosen.warm_up and not subject.outside:  # its rows would belong to other bars
            settles = warm_up.settling(subject.decide, candles, whole, subject.warm_up_bars)
    verdict, reason = _verdict(case)
    return _report(subject, candles, chosen, case, verdict, reason, settles)


def _repeats(case: _Case) -> bool:
    """Run again over the same bars: what differs came from an earlier run, a clock or chance."""
    tally, last, subject = _tally(case), len(case.candles) - 1, case.subject
    again = subject.carried or subject.decide

    def after_others(bars: Candles) -> Decisions:
        subject.decide(changes.poisoned(case.candles, 0, "noise", case.plan.seed))
        return again(bars)

    for _ in range(2):
        tally.probe(again, changes.alone(case.candles), last, "the same bars again")
    tally.probe(after_others, changes.alone(case.candles), last, "the same bars again, after a run over others")
    if tally.first is None:
        return tally.raised == 0 or _raised_again(case, tally)
    check = Check.NON_DETERMINISM if _hangs_on_chance(case) else Check.STATE_LEAK
    case.findings.append(_finding(case, check, tally, tally.first, cut=None))
    return False


def _raised_again(case: _Case, tally: Tally) -> bool:
    first = Difference(0, 0, "the same bars again", case.whole.at(0), f"raised {tally.error}")
    case.findings.append(_finding(case, Check.STATE_LEAK, tally, first, cut=None))
    return False


def _hangs_on_chance(case: _Case) -> bool:
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


def _hide_outside(case: _Case) -> None:
    """Hide the rows to come of data from outside, while the bars stay as they are."""
    tally, subject, last = _tally(case), case.subject, len(case.candles) - 1
    for done, run in enumerate(subject.behind_curtain):  # one run shows row by row: every bar is a cut
        case.told(Check.OUTSIDE_DATA, done, len(subject.behind_curtain))
        tally.probe(run, changes.alone(case.candles), last, "rows to come were hidden in data from outside")
    if subject.hiding is not None:
        for cut in _affordable(case, case.plan.poisonings):
            with subject.hiding(cut + 1):
                tally.probe(subject.decide, changes.alone(case.candles), cut, "rows to come were hidden in it")
    if tally.first is not None:
        cut = tally.first.bar if subject.behind_curtain else tally.first.cut
        case.findings.append(_finding(case, Check.OUTSIDE_DATA, tally, tally.first, cut=cut))


def _replay_prefixes(case: _Case) -> None:
    """Show the first bars only: what was decided on them must be decided again."""
    tally, cuts = _tally(case), _affordable(case, case.plan.cuts)

    def shorter(cut: int) -> bool:
        bars = changes.prefix(case.candles, cut + 1, case.plan.seed)
        return tally.probe(case.subject.decide, bars, cut, "the bars after the cut were taken away")

    for done, cut in enumerate(cuts):
        case.told(Check.PREFIX_REPLAY, done, len(cuts))
        shorter(int(cut))
        if tally.differing >= ENOUGH:
            break
    if tally.first is not None:
        _refine(tally.first.cut, shorter)
        case.findings.append(_finding(case, Check.PREFIX_REPLAY, tally, tally.first, cut=tally.first.cut))


def _poison_futures(case: _Case) -> None:
    """Change the bars to come: what was decided before them must stay."""
    tally, cuts = _tally(case), _affordable(case, case.plan.poisonings, len(changes.CHANGES))
    for done, cut in enumerate(cuts):
        case.told(Check.FUTURE_POISONING, done, len(cuts))
        if tally.differing >= ENOUGH:
            break
        for change in changes.CHANGES:
            bars = changes.poisoned(case.candles, int(cut) + 1, change, case.plan.seed)
            tally.probe(case.subject.decide, bars, int(cut), f"the bars after the cut were replaced ({change})")
    if tally.first is not None:
        case.findings.append(_finding(case, Check.FUTURE_POISONING, tally, tally.first, cut=tally.first.cut))


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


def _affordable(case: _Case, most: int, changes_each: int = 1) -> Sequence[int]:
    plan, bars, exhaustive = case.plan, len(case.candles), case.plan.exhaustive_below
    if changes_each > 1:
        exhaustive = most
    if case.subject.costly:
        each = bars * changes_each if changes_each > 1 else bars / 2  # a prefix is half of the bars on average
        most = max(4, min(most, int(plan.costly_rows / each)))
        exhaustive = min(exhaustive, most)
    found: list[int] = probes.cuts(case.whole.active, most, plan.seed + changes_each, exhaustive).tolist()
    return found


def _tally(case: _Case) -> Tally:
    tally = Tally(case.whole)
    case.tallies.append(tally)
    return tally


def _finding(case: _Case, check: Check, tally: Tally, first: Difference, cut: int | None) -> Finding:
    ahead = tally.reach_bars if check in (Check.PREFIX_REPLAY, Check.FUTURE_POISONING) else None
    names = ", ".join(case.subject.outside)
    said = advice.for_check(check, ahead, names)
    time_ms = int(case.candles.time_ms[first.bar])
    return Finding(check, first.bar, time_ms, first.whole, first.changed, cut, ahead, tally.differing, first.how, said)


def _verdict(case: _Case) -> tuple[Verdict, str]:
    bars, decided = len(case.candles), int(case.whole.active.sum())
    if case.findings:
        found = ", ".join(dict.fromkeys(each.check.value for each in case.findings))
        return Verdict.LEAK, f"decisions depend on what they must not: {found}"
    if bars < FEWEST_BARS:
        return Verdict.NOT_JUDGED, f"{bars} bars prove nothing; give at least {FEWEST_BARS}"
    if decided == 0:
        return Verdict.NOT_JUDGED, f"the strategy decided nothing on {bars} bars; give bars or parameters it trades on"
    if not _judged_runs(case):
        return Verdict.NOT_JUDGED, f"the strategy raised on most of the shortened bars: {_errors(case)}"
    if case.subject.unproven:
        return Verdict.NOT_JUDGED, case.subject.unproven
    return Verdict.CLEAN, "no decision changed with the future, an earlier run or chance"


def _judged_runs(case: _Case) -> bool:
    return all(each.raised * 2 <= each.runs for each in case.tallies)


def _errors(case: _Case) -> str:
    return next((each.error for each in case.tallies if each.error), "")


def _report(
    subject: Subject,
    candles: Candles,
    plan: Plan,
    case: _Case | None,
    verdict: Verdict,
    reason: str,
    settles: WarmUp | None = None,
) -> Report:
    return Report(
        subject.name,
        candles.symbol,
        verdict,
        reason,
        tuple(case.findings) if case else (),
        settles,
        _coverage(candles, plan, case),
        _notes(subject, settles),
    )


def _coverage(candles: Candles, plan: Plan, case: _Case | None) -> Coverage:
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


def _stopped(case: _Case) -> bool:
    return any(each.check in (Check.STATE_LEAK, Check.NON_DETERMINISM) for each in case.findings)


def _notes(subject: Subject, settles: WarmUp | None) -> tuple[str, ...]:
    notes = []
    if subject.outside:
        notes.append(f"data besides the given bars is in reach: {', '.join(subject.outside)}")
    if settles is not None and settles.settled_after:
        notes.append(warm_up.sentence(settles))
    return tuple(notes)
