"""How decisions depend on where history starts: a strategy that is started later must come to the same decisions."""

from seatrial_trading.lookahead import changes
from seatrial_trading.lookahead.comparison import Decide
from seatrial_trading.lookahead.decisions import StrategyDecisions, differing
from seatrial_trading.lookahead.findings import WarmUp
from seatrial_trading.quant.candles import Candles

STARTS = (50, 100, 200, 500)
LATEST_SHARE = 0.8  # who differs in the last fifth still has not settled


def settling(decide: Decide, candles: Candles, whole: StrategyDecisions, declared: int | None) -> WarmUp:
    """Return after how many bars of a later start decisions agree with the whole run's for good."""
    settled: dict[int, int | None] = {}
    compared = 0
    for start in STARTS:
        rest = len(candles) - start
        if rest < 2 * max(declared or 0, 1) + 1:
            break
        try:
            later = decide(changes.later(candles, start))
        except Exception:  # noqa: BLE001  a start that it cannot work from never settles
            settled[start] = None
            continue
        bars = differing(_from(whole, start), later, rest)
        after = int(bars[-1]) + 1 if len(bars) else 0
        settled[start] = after if after < LATEST_SHARE * rest else None
        compared += int((whole.active[start:] | later.active)[declared or 0 :].sum())
    return WarmUp(declared, settled, compared)


def sentence(found: WarmUp) -> str:
    """Return how decisions settle, in words."""
    declared = f"the declared warm-up of {found.declared_bars} bars" if found.declared_bars else "its start"
    drift = found.drift_bars
    if drift is None:
        return (
            "started later it does not come to the same decisions within these bars: live trading that starts with "
            "less history will differ from this backtest"
        )
    if drift <= 0:
        return f"started later it decides the same after {declared}"
    return f"started later it decides the same {drift} bars after {declared}; give it that much more history"


def _from(whole: StrategyDecisions, start: int) -> StrategyDecisions:
    columns = {name: column[start:] for name, column in whole.columns.items()}
    return StrategyDecisions(columns, whole.active[start:])
