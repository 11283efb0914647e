"""The report of the lookahead checks: verdict, findings and coverage."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from seatrial_core.json_types import Json


class LookaheadCheck(StrEnum):
    """The checks, in the order they run."""

    STATE_LEAK = "state_leak"
    NON_DETERMINISM = "non_determinism"
    PREFIX_REPLAY = "prefix_replay"
    FUTURE_POISONING = "future_poisoning"
    OUTSIDE_DATA = "outside_data"
    WARM_UP = "warm_up"


class LookaheadVerdict(StrEnum):
    """The result; a strategy without decisions is not judged."""

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
        check: The check.
        bar: The first bar whose decision differs.
        time_ms: The open of that bar, UTC epoch milliseconds.
        whole: The decision there on all bars.
        changed: The decision there when only the bars up to `cut` are unchanged.
        cut: The last unchanged bar; None where no bar was changed.
        reach_bars: Number of bars that a decision looked ahead at least; None for checks without a cut.
        differing: Number of runs whose decisions differed.
        how: How the bars were changed.
        advice: How to correct it.
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
    """How much was checked.

    Args:
        bars: Number of bars.
        decisions: Number of bars with a decision.
        cuts: Number of bars after which the later bars were removed or changed.
        decisions_cut: Number of decisions at such bars.
        runs: Number of runs of the strategy.
        rows_compared: Number of decisions compared with the whole run's, including those to do nothing.
        runs_raised: Number of runs that raised and therefore prove nothing.
        exhaustive: Whether every bar was a cut.
        seed: Seed of the cuts and changes.
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
    """How many bars decisions need to agree with the whole run's when history starts later.

    Args:
        declared_bars: The warm-up that the strategy declares, None without one.
        settled_after: By start bar, the bars from there until all decisions agree; None where they do not.
        compared: Number of decisions of either run after the declared warm-up.
    """

    declared_bars: int | None
    settled_after: Mapping[int, int | None]
    compared: int

    @property
    def drift_bars(self) -> int | None:
        """Return the bars that are needed beyond the declared warm-up, None if decisions never agree."""
        counts = [bars for bars in self.settled_after.values() if bars is not None]
        if len(counts) < len(self.settled_after):
            return None
        return max((bars - (self.declared_bars or 0) for bars in counts), default=0)


@dataclass(frozen=True)
class LookaheadReport:
    """The result of the lookahead checks of one strategy on one series of bars."""

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
        """Return 0 for clean, 1 for a leak, 4 for not judged."""
        return EXIT_CODES[self.verdict]

    def document(self) -> Json:
        """Return the report as JSON data."""
        document = asdict(self)
        document["notes"] = list(self.notes)
        document["findings"] = [asdict(item) for item in self.findings]
        if self.warm_up is not None:
            document["warm_up"] = {
                "declared_bars": self.warm_up.declared_bars,
                "settled_after": {str(start): bars for start, bars in self.warm_up.settled_after.items()},
                "drift_bars": self.warm_up.drift_bars,
                "compared": self.warm_up.compared,
            }
        return {"schema": 1, **document}
