"""What the lookahead proof says: a verdict, what was found, and how much was probed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class LookaheadCheck(StrEnum):
    """The checks, in the order they run."""

    STATE_LEAK = "state_leak"
    NON_DETERMINISM = "non_determinism"
    PREFIX_REPLAY = "prefix_replay"
    FUTURE_POISONING = "future_poisoning"
    OUTSIDE_DATA = "outside_data"
    WARM_UP = "warm_up"


class LookaheadVerdict(StrEnum):
    """Clean is said only where decisions were compared; a strategy that decides nothing is not judged."""

    CLEAN = "clean"
    LEAK = "leak"
    NOT_JUDGED = "not_judged"


EXIT_CODES: Mapping[LookaheadVerdict, int] = {
    LookaheadVerdict.CLEAN: 0,
    LookaheadVerdict.LEAK: 1,
    LookaheadVerdict.NOT_JUDGED: 4,
}


@dataclass(frozen=True)
class LookaheadFinding:
    """A decision that depends on what it must not.

    Args:
        check: Which check saw it.
        bar: The first bar whose decision differs.
        time_ms: The open of that bar, UTC epoch milliseconds.
        whole: What is decided there with everything known.
        changed: What is decided there when only the bars up to `cut` are the same.
        cut: The last bar that was left as it is; None where nothing was cut.
        reach_bars: At least so many bars ahead some decision looked; None where that is not the question.
        differing: In how many of the runs decisions differed.
        how: What was done to the bars.
        advice: What to do.
    """

    check: LookaheadCheck
    bar: int
    time_ms: int
    whole: str
    changed: str
    cut: int | None
    reach_bars: int | None
    differing: int
    how: str
    advice: str


@dataclass(frozen=True)
class Coverage:
    """How much was probed.

    Args:
        bars: Bars of the data.
        decisions: Bars on which the strategy asked for something.
        cuts: Different bars at which the future was taken away or changed.
        decisions_cut: Of the decisions, those whose own bar was such a cut.
        runs: How often the strategy was run over bars.
        rows_compared: Decisions (of every bar, also those to do nothing) that were held against the whole run's.
        runs_raised: Runs on cut or changed bars that ended in an exception of the strategy and prove nothing.
        exhaustive: Every bar was a cut.
        seed: Of the cuts and of the changes.
    """

    bars: int
    decisions: int
    cuts: int
    decisions_cut: int
    runs: int
    rows_compared: int
    runs_raised: int
    exhaustive: bool
    seed: int


@dataclass(frozen=True)
class WarmUp:
    """How decisions settle when history starts later; `settled_after` by start, None: not within the data.

    Args:
        declared_bars: What the strategy says it needs, None if it says nothing.
        settled_after: For each later start the bars from there until decisions agree with the whole run's for good.
        compared: Decisions of either run that were compared after the declared warm-up.
    """

    declared_bars: int | None
    settled_after: Mapping[int, int | None]
    compared: int

    @property
    def drift_bars(self) -> int | None:
        """Return the bars that decisions go on drifting after the declared warm-up, None if they never settle."""
        settled = list(self.settled_after.values())
        known = [bars for bars in settled if bars is not None]
        if len(known) < len(settled):
            return None
        return max((bars - (self.declared_bars or 0) for bars in known), default=0)


@dataclass(frozen=True)
class LookaheadReport:
    """The outcome of a lookahead proof."""

    strategy: str
    symbol: str
    verdict: LookaheadVerdict
    reason: str
    findings: tuple[LookaheadFinding, ...]
    warm_up: WarmUp | None
    coverage: Coverage
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return 0 for clean, 1 for a leak, 4 where nothing could be judged."""
        return EXIT_CODES[self.verdict]

    def document(self) -> dict[str, Any]:  # Any: JSON
        """Return the report as JSON data."""
        found = asdict(self)
        found["notes"] = list(self.notes)
        found["findings"] = [asdict(each) for each in self.findings]
        if self.warm_up is not None:
            found["warm_up"] = {
                "declared_bars": self.warm_up.declared_bars,
                "settled_after": {str(start): bars for start, bars in self.warm_up.settled_after.items()},
                "drift_bars": self.warm_up.drift_bars,
                "compared": self.warm_up.compared,
            }
        return {"schema": 1, **found}
