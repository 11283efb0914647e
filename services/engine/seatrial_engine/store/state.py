"""Reads the stored accounts, positions and trading state."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import TradingState
from seatrial_engine.domain.account import Account, EngineState, Position, TradingControl
from seatrial_engine.domain.sessions import DayEquity
from seatrial_service.db.engine import AccountRow, ControlChangeRow, PositionRow
from seatrial_trading.quant.sizing import TradeStatistics


async def load(session: AsyncSession) -> EngineState:
    """Return the stored state; of the accounts of replays only who owns them."""
    stored = await accounts(session)
    return EngineState(
        accounts={account.name: account for account in stored if account.replay is None},
        control=await control(session),
        replay_accounts={account.name: account.replay for account in stored if account.replay is not None},
    )


async def accounts(session: AsyncSession) -> list[Account]:
    """Return every account, those of replays too, sorted by name."""
    positions: dict[str, list[PositionRow]] = defaultdict(list)
    for position in (await session.scalars(select(PositionRow).order_by(PositionRow.symbol))).all():
        positions[position.account].append(position)
    rows = (await session.scalars(select(AccountRow).order_by(AccountRow.account))).all()
    return [_account(row, positions[row.account]) for row in rows]


async def control(session: AsyncSession) -> TradingControl:
    """Return the trading state that was set last."""
    newest = select(ControlChangeRow).order_by(ControlChangeRow.id.desc()).limit(1)
    row = (await session.scalars(newest)).one_or_none()
    if row is None:
        return TradingControl()
    return TradingControl(TradingState(row.state), row.actor, row.reason, row.changed_at, row.note)


def _account(row: AccountRow, positions: Sequence[PositionRow]) -> Account:
    return Account(
        name=row.account,
        environment=Environment(row.environment),
        initial_balance=row.opening_balance,
        cash=row.cash,
        positions={position.symbol: _position(position) for position in positions},
        session_day=row.session_day,
        session_start_equity=row.session_start_equity,
        history=TradeStatistics(row.closed, row.wins, row.losses, row.gain_ratios, row.loss_ratios),
        replay=row.replay,
        equity_history=DayEquity.from_json(row.equity_history),
    )


def _position(row: PositionRow) -> Position:
    return Position(
        symbol=row.symbol,
        strategy=row.strategy,
        quantity=row.quantity,
        entry_price=row.entry_price,
        entry_fee=row.entry_fee,
        mark_price=row.mark_price,
        opened_at=row.opened_at,
        stop_loss=row.stop_loss,
        take_profit=row.take_profit,
    )
