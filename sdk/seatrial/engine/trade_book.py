"""What a trading engine has: its closed trades, open positions and balance, as a monitor asks for them."""

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
    """The `db_manager` of a trading engine; stress accounts are left out.

    Args:
        engine: Trades signals.
        store: Keeps what the engine leaves behind.
        automatic: Trades bars; None while nothing is traded automatically.
    """

    tells_the_ledger_itself = True

    def __init__(self, engine: Engine, store: MemoryStore) -> None:
        self._engine = engine
        self._store = store
        self.automatic: AutoTrader | None = None

    def get_trades(self, since: datetime) -> list[Row]:
        """Return the trades closed since an aware instant, oldest first; `pnl` is net of the fees of both sides."""
        known = {account.name for account in self._accounts()}
        rows = [_row(fill) for fill in self._store.fills() if fill.pnl is not None and fill.account in known]
        if self.automatic is not None:
            rows += self.automatic.standing.trades
        return [row for row in rows if row["closed_at"] >= since]

    def get_open_positions(self) -> list[Row]:
        """Return the open positions; short ones have a negative quantity."""
        rows: list[Row] = [
            {
                "account": account.name,
                "symbol": held.symbol,
                "strategy": held.strategy,
                "quantity": held.quantity,
                "entry_price": held.entry_price,
                "mark_price": held.mark_price,
                "stop_loss": held.stop_loss,
                "take_profit": held.take_profit,
                "unrealised_pnl": held.unrealised_pnl,
                "opened_at": held.opened_at,
            }
            for account in self._accounts()
            for held in account.holdings.values()
        ]
        return rows if self.automatic is None else rows + list(self.automatic.standing.positions)

    def get_balance(self) -> Decimal:
        """Return the equity of one account that had made all profits and losses of this engine."""
        earned = sum((account.equity - account.opening_balance for account in self._accounts()), Decimal(0))
        if self.automatic is not None:
            earned += self.automatic.standing.pnl
        return self._engine.config.opening_balance + earned

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
