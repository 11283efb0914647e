"""The closed trades, open positions and balance of a trading engine, as a monitor reads them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from seatrial.engine.auto_trading import AutoTrader
from seatrial_core.contracts.events import Environment
from seatrial_engine.domain.account import Account
from seatrial_engine.domain.fills import Fill
from seatrial_engine.engine import Engine
from seatrial_engine.memory import MemoryStore

Row = dict[str, Any]  # Any: the columns have a type each


class TradeBook:
    """The `db_manager` of a trading engine; it leaves out stress accounts.

    `automatic` is the automatic trader, None before the first start.

    Args:
        engine: Trades signals.
        store: Stores the engine's fills.
    """

    sends_account_events = True

    def __init__(self, engine: Engine, store: MemoryStore) -> None:
        self._engine = engine
        self._store = store
        self.automatic: AutoTrader | None = None

    def get_trades(self, since: datetime) -> list[Row]:
        """Return the trades closed since an aware instant, oldest first; `pnl` is net of the fees of both sides."""
        names = {account.name for account in self._accounts()}
        rows = [_row(fill) for fill in self._store.fills() if fill.pnl is not None and fill.account in names]
        if self.automatic is not None:
            rows += self.automatic.state.trades
        return [row for row in rows if row["closed_at"] >= since]

    def get_open_positions(self) -> list[Row]:
        """Return the open positions; a short one has a negative quantity."""
        rows: list[Row] = [
            {
                "account": account.name,
                "symbol": position.symbol,
                "strategy": position.strategy,
                "quantity": position.quantity,
                "entry_price": position.entry_price,
                "mark_price": position.mark_price,
                "stop_loss": position.stop_loss,
                "take_profit": position.take_profit,
                "unrealised_pnl": position.unrealised_pnl,
                "opened_at": position.opened_at,
            }
            for account in self._accounts()
            for position in account.positions.values()
        ]
        return rows if self.automatic is None else rows + list(self.automatic.state.positions)

    def get_balance(self) -> Decimal:
        """Return the opening balance plus the profits and losses of all accounts."""
        pnl = sum((account.equity - account.initial_balance for account in self._accounts()), Decimal(0))
        if self.automatic is not None:
            pnl += self.automatic.state.pnl
        return self._engine.config.initial_balance + pnl

    def _accounts(self) -> Sequence[Account]:
        accounts = self._engine.state.accounts.values()
        return [account for account in accounts if account.environment is not Environment.STRESS]


def _row(fill: Fill) -> Row:
    return {
        "trade_id": fill.id,
        "account": fill.account,
        "strategy": fill.strategy,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "quantity": fill.quantity,
        "price": fill.price,
        "pnl": fill.pnl,
        "fee": fill.fee,
        "exit_reason": fill.exit_reason,
        "closed_at": fill.occurred_at,
    }
