"""The figures of a monitor, from the user's account object and what was recorded in this process."""

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

NO_EQUITY = undefined("no balance: pass an object with get_balance(), give an initial balance, or call mark_equity()")


@dataclass(frozen=True)
class MonitorReading:
    """The inputs of one reading.

    Args:
        account: What the user's object returned.
        closed: The closed trades that were recorded here.
        equity_state: The equity, its peak and its session; None while the equity is unknown.
        slowest: The slowest call of the last minute by endpoint, in seconds.
        recent: Trades, calls, failed calls and errors of the last five minutes.
    """

    account: AccountSnapshot
    closed: ClosedTradeTotals
    equity_state: EquityState | None
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
        base_reference=capital,
        session_start_equity=Decimal(repr(float(session_start_equity))),
        session_reference=Decimal(repr(float(session_start_equity))),
        members=1,
    )


def equity_of(account: AccountSnapshot, initial_balance: float | None) -> float | None:
    """Return the equity that the user's object gives: balance, else initial balance and profits; else None."""
    if account.balance is not None:
        return account.balance
    if initial_balance is None or account.pnls is None:
        return None
    return initial_balance + sum(account.pnls) + (account.unrealised_pnl or 0.0)


def gauges(reading: MonitorReading) -> dict[catalog.Metric, float | None]:
    """Return the gauges of the metrics page that depend on the account; None where unknown."""
    state = reading.equity_state
    wins, trades = _closed(reading)
    return {
        catalog.CURRENT_PNL: _profit(reading),
        catalog.OPEN_POSITIONS: reading.account.positions,
        catalog.WIN_RATE: _percent(live.win_rate_ratio(wins, trades)),
        catalog.PORTFOLIO_RISK: None if state is None else _percent(_risk(reading.account, state)),
        catalog.MAX_DRAWDOWN: None if state is None else 100 * min(1.0, float(state.max_drawdown_ratio)),
        catalog.DAILY_PNL: None if state is None else float(state.session_pnl),
    }


def values(reading: MonitorReading) -> dict[str, Figure]:
    """Return the figures of the thresholds, with the names of the metrics service's snapshot."""
    state, recent = reading.equity_state, reading.recent
    wins, trades = _closed(reading)
    samples = recent["trades"] + recent["calls"] + recent["errors"]
    return {
        "drawdown_ratio": NO_EQUITY if state is None else state.drawdown,
        "win_rate_ratio": live.win_rate_ratio(wins, trades),
        "closed_trades": known(trades),
        "session_loss_ratio": NO_EQUITY if state is None else state.session_loss,
        "error_ratio": live.error_ratio(
            recent["errors"], recent["failed_calls"], recent["trades"], recent["calls"], minimum=1
        ),
        "error_ratio_samples": known(samples),
    }


def _closed(reading: MonitorReading) -> tuple[int, int]:
    if reading.account.pnls is not None:
        return sum(pnl > 0 for pnl in reading.account.pnls), len(reading.account.pnls)
    return reading.closed.wins, reading.closed.trades


def _profit(reading: MonitorReading) -> float | None:
    if reading.equity_state is not None:
        return float(reading.equity_state.pnl)
    if reading.account.pnls is not None:
        return sum(reading.account.pnls) + (reading.account.unrealised_pnl or 0.0)
    return float(reading.closed.pnl) if reading.closed.trades else None


def _risk(account: AccountSnapshot, state: EquityState) -> Figure:
    if account.risk_at_stop is None:
        return undefined("the open positions are not known")
    return live.open_risk_ratio(account.risk_at_stop, state.equity)


def _percent(ratio: Figure) -> float | None:
    return None if ratio.value is None else 100 * ratio.value
