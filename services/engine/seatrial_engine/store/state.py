"""Reads the state that was stored last."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import TradingState
from seatrial_engine.domain.account import Account, EngineState, Position, TradingControl
from seatrial_service.db.engine import AccountRow, ControlChangeRow, PositionRow
from seatrial_trading.quant.sizing import ClosedTrades


async def load(session: AsyncSession) -> EngineState:
    """Return accounts, positions and the trading state; the accounts of replays are left out."""
    found = await accounts(session)
    mine = {each.name: each for each, replay in found if replay is None}
    return EngineState(accounts=mine, control=await control(session))


async def accounts(session: AsyncSession) -> list[tuple[Account, str | None]]:
    """Return every account with the replay that owns it, in the order of their names."""
    positions = (await session.scalars(select(PositionRow).order_by(PositionRow.symbol))).all()
    rows = (await session.scalars(select(AccountRow).order_by(AccountRow.account))).all()
    return [(_account(row, [each for each in positions if each.account == row.account]), row.replay) for row in rows]


async def control(session: AsyncSession) -> TradingControl:
    """Return what the engine may do."""
    newest = select(ControlChangeRow).order_by(ControlChangeRow.id.desc()).limit(1)
    row = (await session.scalars(newest)).one_or_none()
    return (
        TradingControl()
        if row is None
        else TradingControl(TradingState(row.state), row.actor, row.reason, row.changed_at)
    )


def _account(row: AccountRow, positions: Sequence[PositionRow]) -> Account:
    return Account(
        name=row.account,
        environment=Environment(row.environment),
        opening_balance=row.opening_balance,
        cash=row.cash,
        holdings={each.symbol: _holding(each) for each in positions},
        session_day=row.session_day,
        session_start_equity=row.session_start_equity,
        history=ClosedTrades(row.closed, row.wins, row.losses, row.gain_ratios, row.loss_ratios),
    )


def _holding(row: PositionRow) -> Position:
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
