"""Measures how many bars a strategy needs until its decisions no longer depend on where history starts."""

from seatrial_trading.lookahead import altered_bars
from seatrial_trading.lookahead.comparison import Decide
from seatrial_trading.lookahead.decisions import StrategyDecisions, differing
from seatrial_trading.lookahead.findings import WarmUp
from seatrial_trading.quant.candles import Candles

STARTS = (50, 100, 200, 500)
LATEST_SHARE = 0.8  # a difference in the last fifth means that decisions do not agree


def measure(decide: Decide, candles: Candles, whole: StrategyDecisions, declared: int | None) -> WarmUp:
    """Return after how many bars of a later start all decisions agree with the whole run's."""
    agrees_after: dict[int, int | None] = {}
    compared = 0
    for start in STARTS:
        rest = len(candles) - start
        if rest < 2 * max(declared or 0, 1) + 1:
            break
        try:
            later = decide(altered_bars.later(candles, start))
        except Exception:  # noqa: BLE001  a strategy may raise anything; this start never agrees
            agrees_after[start] = None
            continue
        bars = differing(_from(whole, start), later, rest)
        after = int(bars[-1]) + 1 if len(bars) else 0
        agrees_after[start] = after if after < LATEST_SHARE * rest else None
        compared += int((whole.active[start:] | later.active)[declared or 0 :].sum())
    return WarmUp(declared, agrees_after, compared)


def sentence(result: WarmUp) -> str:
    """Return the result as a sentence."""
    declared = f"the declared warm-up of {result.declared_bars} bars" if result.declared_bars else "its start"
    drift = result.drift_bars
    if drift is None:
        return (
            "started later it does not reach the same decisions within these bars: live trading that starts with "
            "less history will differ from this backtest"
        )
    if drift <= 0:
        return f"started later it decides the same after {declared}"
    return f"started later it decides the same {drift} bars after {declared}; give it that much more history"


def _from(whole: StrategyDecisions, start: int) -> StrategyDecisions:
    columns = {name: column[start:] for name, column in whole.columns.items()}
    return StrategyDecisions(columns, whole.active[start:])
