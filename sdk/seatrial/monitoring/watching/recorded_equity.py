"""The equity of one account from what the collectors of this process recorded about it."""

from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal

from seatrial.monitoring.collecting.money import MoneyMovement, MovementKind
from seatrial_core.figures.equity import ZERO, EquityChange, EquityState

MAX_WAITING = 50_000


@dataclass
class RecordedEquity:
    """Adds movements to the state of one account, by the rules of the ledger.

    Args:
        zone: The time zone in which its days begin.
        state: Its state; None while neither opening balance nor mark is known.
        flows: Deposits less withdrawals that `take_flows` has not returned.
        waiting: The movements before the opening balance is known.
    """

    zone: tzinfo
    state: EquityState | None = None
    flows: Decimal = ZERO
    waiting: list[MoneyMovement] = field(default_factory=list)

    def add(self, movement: MoneyMovement) -> None:
        """Add one movement."""
        if movement.kind is MovementKind.FLOW:
            self.flows += movement.amount
        if movement.kind is MovementKind.OPENING:
            self._open(movement)
        elif movement.kind is MovementKind.MARK:
            self._mark(movement)
        elif self.state is None:
            if len(self.waiting) < MAX_WAITING:
                self.waiting.append(movement)
        else:
            self._apply(self.state, movement)

    def take_flows(self) -> Decimal:
        """Return the flows since the last call."""
        flows, self.flows = self.flows, ZERO
        return flows

    def _open(self, movement: MoneyMovement) -> None:
        if self.state is not None:
            return
        self.state = EquityState().apply(EquityChange(movement.at, flow=movement.amount), self.zone)
        waiting, self.waiting = self.waiting, []
        for earlier in waiting:
            if earlier.at >= movement.at:
                self._apply(self.state, earlier)

    def _mark(self, movement: MoneyMovement) -> None:
        if self.state is None:
            change = EquityChange(movement.at, flow=movement.amount, joining=1, reported=1)
            self.state, self.waiting = EquityState().apply(change, self.zone), []
            return
        joining = int(not self.state.members)
        change = EquityChange(movement.at, profit=movement.amount - self.state.equity, joining=joining, reported=1)
        self.state = self.state.apply(change, self.zone)

    def _apply(self, state: EquityState, movement: MoneyMovement) -> None:
        if movement.kind is MovementKind.FLOW:
            self.state = state.apply(EquityChange(movement.at, flow=movement.amount), self.zone)
        elif not state.members:
            self.state = state.apply(EquityChange(movement.at, profit=movement.amount), self.zone)
