"""Trades the bars of several accounts in the order of time, a number of steps per chunk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seatrial_core.contracts.orders import TradingState
from seatrial_core.errors import ValidationFailed
from seatrial_core.json_types import Json
from seatrial_engine.domain.account import Account
from seatrial_engine.domain.changes import Event, StateChanges
from seatrial_engine.replays.replay_account import AccountChunk, ReplayAccount
from seatrial_trading.quant.bar_order import BarOrder


@dataclass(frozen=True)
class ReplayChunk:
    """The result of some steps: the changes to store, and each account's closed trades and equity."""

    first_step: int
    steps_done: int
    changes: StateChanges
    accounts: Mapping[str, AccountChunk] = field(default_factory=dict)

    @property
    def trades(self) -> int:
        """Return the number of trades that were closed."""
        return sum(len(account.trades) for account in self.accounts.values())


class Replay:
    """The accounts of a replay and the steps they take together; one step is one instant.

    Args:
        accounts: The accounts; those whose bars open at the same time trade in this order.

    Raises:
        ValidationFailed: Two accounts have the same name.
    """

    def __init__(self, accounts: Sequence[ReplayAccount]) -> None:
        names = [account.name for account in accounts]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValidationFailed(f"the accounts of a replay need different names; {repeated[0]!r} is there twice")
        self._accounts = tuple(accounts)
        self._bars = BarOrder.of([account.candles.time_ms for account in self._accounts])
        self.steps_done = 0

    @property
    def steps_total(self) -> int:
        """Return the number of instants at which a bar opens."""
        return len(self._bars)

    @property
    def is_finished(self) -> bool:
        """Return whether every bar was traded."""
        return self.steps_done >= self.steps_total

    def accounts(self) -> dict[str, Account]:
        """Return the accounts now, by name."""
        return {account.name: account.snapshot() for account in self._accounts}

    def opening_events(self) -> list[Event]:
        """Return the event of each new account, at the open of its first bar."""
        return [account.opening_event() for account in self._accounts]

    def advance(self, steps: int, state: TradingState) -> ReplayChunk:
        """Trade the next steps; `state` limits the orders of the strategies as it limits those of signals."""
        first, last = self.steps_done, min(self.steps_done + steps, self.steps_total)
        changes: list[StateChanges] = []
        chunks = {account.name: AccountChunk() for account in self._accounts}
        for step in range(first, last):
            at_close: list[StateChanges] = []
            for position, bar in self._bars.of_step(step):
                account = self._accounts[position]
                fills, close = account.process_bar(bar, state, chunks[account.name])
                changes.append(fills)
                at_close.append(close)
            changes.extend(at_close)
        self.steps_done = last
        changes.append(StateChanges(accounts=self.accounts()))
        return ReplayChunk(first, last, StateChanges.merged(changes), chunks)

    def dump(self) -> Json:
        """Return the progress as JSON that restores bit for bit."""
        # The keys are those of the stored progress of running replays.
        return {"done": self.steps_done, "lanes": {account.name: account.dump() for account in self._accounts}}

    def restore(self, progress: Json) -> None:
        """Continue from what `dump` returned."""
        self.steps_done = int(progress["done"])
        for account in self._accounts:
            account.restore(progress["lanes"][account.name])
