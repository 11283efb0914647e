"""Marks positions to new prices and fills the stops and targets that a price reaches."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal, localcontext

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.orders import Side
from seatrial_core.decimals import EXACT
from seatrial_engine.domain import events
from seatrial_engine.domain.account import Account, EngineState, Position
from seatrial_engine.domain.changes import StateChanges
from seatrial_engine.domain.commands import ProcessingResult
from seatrial_engine.domain.execution import ExecutionRequest, OrderExecutor
from seatrial_engine.domain.sessions import SessionClock


class PriceMarker:
    """Apply prices to the accounts that hold the symbol.

    Args:
        engine: The engine's name, in every event.
        executor: Executes stops and targets.
        clock: The only source of time.
        sessions: The time that the limits go by.
        new_id: Returns a new unique id.
    """

    def __init__(
        self, engine: str, executor: OrderExecutor, clock: Clock, sessions: SessionClock, new_id: Callable[[], str]
    ) -> None:
        self._engine = engine
        self._executor = executor
        self._clock = clock
        self._sessions = sessions
        self._new_id = new_id

    def mark(
        self, state: EngineState, prices: Sequence[tuple[str, Decimal]], account: str | None = None
    ) -> ProcessingResult:
        """Return the marked state and the fills of the stops and targets that are reached.

        Args:
            state: The state before.
            prices: Symbols and prices, in order.
            account: The only account to mark; None marks all and stores the prices as the last ones.
        """
        changes: list[StateChanges] = []
        with localcontext(EXACT):
            for symbol, price in prices:
                now = self._clock.now()
                if account is None:
                    state = state.with_price(symbol, price)
                for name, before in state.accounts.items():
                    if account in {None, name} and symbol in before.positions:
                        marked, change = self._mark(before.in_session(self._sessions.now()), symbol, price, now)
                        state = state.with_account(marked)
                        changes.append(change)
        return ProcessingResult(state, StateChanges.merged(changes))

    def _mark(self, account: Account, symbol: str, price: Decimal, now: datetime) -> tuple[Account, StateChanges]:
        # A stop or target that is reached fills in every trading state: it rests at the exchange.
        account = account.marked(symbol, price)
        position = account.positions[symbol]
        exit_reason, fill_price = _reached_exit(position, price)
        identity = self._new_id()
        if exit_reason is None:
            mark = events.equity_marked(account, f"equity:{identity}", now, self._engine)
            return account, StateChanges(accounts={account.name: account}, events=(mark,))
        request = ExecutionRequest(
            id=identity,
            strategy=position.strategy,
            symbol=symbol,
            side=Side.SELL if position.quantity > 0 else Side.BUY,
            quantity=abs(position.quantity),
            price=fill_price,
            limit=exit_reason == "take_profit",
            exit_reason=exit_reason,
        )
        outcome = self._executor.execute(account, request, now, self._clock.monotonic())
        changes = StateChanges(accounts={account.name: outcome.account})
        return outcome.account, StateChanges.merged((changes, outcome.changes))


def _reached_exit(position: Position, price: Decimal) -> tuple[str | None, Decimal]:
    # A stop fills at the price, which may be beyond it; a target is a limit order and fills at its own price.
    if position.stop_loss is not None and (position.stop_loss - price) * position.sign >= 0:
        return "stop_loss", price
    if position.take_profit is not None and (price - position.take_profit) * position.sign >= 0:
        return "take_profit", position.take_profit
    return None, price
