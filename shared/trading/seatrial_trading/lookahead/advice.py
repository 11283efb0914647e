"""Advice for each finding, in one or two sentences."""

from seatrial_trading.lookahead.findings import LookaheadCheck

ONE_BAR = (
    "It looks one bar ahead: look for shift(-1), an index [i + 1], a label or the next bar's open used as a feature, "
    "and use what was known at the close of this bar."
)
SOME_BARS = (
    "It looks about {reach} bars ahead: look for a centred window, a backfill, or a bar of a higher timeframe that is "
    "used before it has closed, and shift it so that it is seen after its end only."
)
WHOLE_SERIES = (
    "It looks at least {reach} bars ahead: look for a minimum, maximum, mean, rank, fit or sort over the whole series, "
    "and compute it over the bars up to now (a rolling or expanding window)."
)
STATE = (
    "A second run over the same bars decides differently: state outlives a run (a global, a cache, an attribute, "
    "a default argument) or reads a clock. Create state at the start of each run."
)
CHANCE = (
    "Runs agree only when Python's and numpy's global random numbers are seeded alike: draw from a generator that the "
    "strategy seeds itself, at the start of each run."
)
OUTSIDE = (
    "It reads {name}, which has bars from the future: use the history that the strategy is given, or make "
    "the data inside a function of the candles, `make(candles) -> strategy`."
)
MANY_BARS = 100


def for_reach(reach: int) -> str:
    """Return the advice for decisions that look `reach` bars ahead."""
    if reach <= 1:
        return ONE_BAR
    return (SOME_BARS if reach <= MANY_BARS else WHOLE_SERIES).format(reach=reach)


def for_check(check: LookaheadCheck, reach: int | None, name: str = "") -> str:
    """Return the advice for a finding."""
    match check:
        case LookaheadCheck.STATE_LEAK:
            return STATE
        case LookaheadCheck.NON_DETERMINISM:
            return CHANCE
        case LookaheadCheck.OUTSIDE_DATA:
            return OUTSIDE.format(name=name or "data from outside")
        case _:
            return for_reach(reach or 1)
