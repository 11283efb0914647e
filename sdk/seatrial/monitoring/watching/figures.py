"""What a monitor shows and judges, from what the owner's object said and what was recorded in this process."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from seatrial.monitoring.collecting.closed_trades import ClosedTradeTotals
from seatrial.monitoring.watching.bot_adapter import AccountSnapshot
from seatrial_core import catalog
from seatrial_core.figures import live
from seatrial_core.figures.equity import EquityState
from seatrial_core.figures.figure import Figure, known, undefined

NO_EQUITY = undefined("no balance, and no initial balance with recorded profits")


@dataclass(frozen=True)
class MonitorReading:
    """Everything one tick saw.

    Args:
        holdings: What the owner's object said.
        closed: What was recorded here.
        course: The equity's course; None while the equity is unknown.
        slowest: The slowest call of the last minute by endpoint, in seconds.
        recent: Trades, calls, failed calls and errors of the last five minutes.
    """

    holdings: AccountSnapshot
    closed: ClosedTradeTotals
    course: EquityState | None
    slowest: Mapping[str, float] = field(default_factory=dict)
    recent: Counter[str] = field(default_factory=Counter)


def first_state(opening: float, session_start_equity: float, now: datetime) -> EquityState:
    """Return the state of the account's equity before its first mark, in account currency."""
    capital = Decimal(repr(float(opening)))
    return EquityState(
        equity=capital,
        peak=capital,
        base=capital,
        session_day=now.date(),
        session_start_equity=Decimal(repr(float(session_start_equity))),
        members=1,
    )


def equity_of(holdings: AccountSnapshot, closed: ClosedTradeTotals, initial_balance: float | None) -> float | None:
    """Return the account's equity: the owner's balance, else the initial one plus known profits; None if unknown."""
    if holdings.balance is not None:
        return holdings.balance
    if initial_balance is None:
        return None
    if holdings.pnls is not None:
        return initial_balance + sum(holdings.pnls) + (holdings.unrealised_pnl or 0.0)
    return initial_balance + float(closed.pnl) if closed.trades else None


def gauges(seen: MonitorReading) -> dict[catalog.Metric, float | None]:
    """Return the gauges of the metrics page that depend on money; None where unknown."""
    course = seen.course
    wins, trades = _closed(seen)
    return {
        catalog.CURRENT_PNL: _profit(seen),
        catalog.OPEN_POSITIONS: seen.holdings.positions,
        catalog.WIN_RATE: _percent(live.win_rate_ratio(wins, trades)),
        catalog.PORTFOLIO_RISK: None if course is None else _percent(_risk(seen.holdings, course)),
        catalog.MAX_DRAWDOWN: None if course is None else 100 * min(1.0, float(course.max_drawdown_ratio)),
        catalog.DAILY_PNL: None if course is None else float(course.session_pnl),
    }


def values(seen: MonitorReading) -> dict[str, Figure]:
    """Return what the thresholds are judged by, under the names of the metrics service's snapshot."""
    course, recent = seen.course, seen.recent
    wins, trades = _closed(seen)
    samples = recent["trades"] + recent["calls"] + recent["errors"]
    return {
        "drawdown_ratio": NO_EQUITY if course is None else course.drawdown,
        "win_rate_ratio": live.win_rate_ratio(wins, trades),
        "closed_trades": known(trades),
        "session_loss_ratio": NO_EQUITY
        if course is None
        else live.session_loss_ratio(course.session_pnl, course.session_start_equity),
        "error_ratio": live.error_ratio(
            recent["errors"], recent["failed_calls"], recent["trades"], recent["calls"], minimum=1
        ),
        "error_ratio_samples": known(samples),
    }


def _closed(seen: MonitorReading) -> tuple[int, int]:
    if seen.holdings.pnls is not None:
        return sum(pnl > 0 for pnl in seen.holdings.pnls), len(seen.holdings.pnls)
    return seen.closed.wins, seen.closed.trades


def _profit(seen: MonitorReading) -> float | None:
    if seen.course is not None:
        return float(seen.course.pnl)
    if seen.holdings.pnls is not None:
        return sum(seen.holdings.pnls) + (seen.holdings.unrealised_pnl or 0.0)
    return float(seen.closed.pnl) if seen.closed.trades else None


def _risk(holdings: AccountSnapshot, course: EquityState) -> Figure:
    if holdings.risk_at_stop is None:
        return undefined("the open positions are not known")
    return live.open_risk_ratio(holdings.risk_at_stop, course.equity)


def _percent(ratio: Figure) -> float | None:
    return None if ratio.value is None else 100 * ratio.value
