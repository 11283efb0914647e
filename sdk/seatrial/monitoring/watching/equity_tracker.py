"""Follows the equity, the peak and the session of the account that a monitor shows."""

import logging
from datetime import UTC, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from seatrial.monitoring.collecting.money import AccountKey
from seatrial.monitoring.collecting.recorder import ProcessRecorder
from seatrial.monitoring.watching import figures
from seatrial.monitoring.watching.bot_adapter import AccountSnapshot, BotAdapter
from seatrial.monitoring.watching.equity_file import EquityFile
from seatrial.monitoring.watching.options import MonitorOptions
from seatrial.monitoring.watching.recorded_equity import RecordedEquity
from seatrial_core.figures.equity import EquityChange, EquityState

log = logging.getLogger("seatrial")


class EquityTracker:
    """Combines the user's balance, if there is one, with what was recorded in this process.

    Args:
        recorder: The recorder of the process.
        options: The account, its initial balance and its time zone.
        adapter: Reads the user's object.
    """

    def __init__(self, recorder: ProcessRecorder, options: MonitorOptions, adapter: BotAdapter) -> None:
        self._recorder = recorder
        self._options = options
        self._adapter = adapter
        self._zone = ZoneInfo(options.session_zone)
        self._key = AccountKey(options.environment, options.account)
        self._file = EquityFile(recorder.state_folder, (recorder.destination_key, *self._key))
        # An engine in this process begins with a new account at each start, so there is nothing to continue.
        self._stored = None if adapter.sends_account_events else self._file.load()
        self._state = self._stored
        self._position = 0 if self._stored is None else recorder.money.stored_until.get(self._key, 0)
        self._recorded: dict[AccountKey, RecordedEquity] = {}
        self._has_lost_movements = self._is_recorded = False

    @property
    def is_recorded(self) -> bool:
        """Return whether the equity comes from recorded amounts, from which the ledger derives it too."""
        return self._is_recorded

    def read(self, account: AccountSnapshot, now: datetime) -> EquityState | None:
        """Return the state at this moment; None while the equity is unknown."""
        self._read_movements()
        recorded = self._of_account()
        flows = Decimal(0) if recorded is None else recorded.take_flows()
        equity = figures.equity_of(account, self._options.initial_balance)
        self._is_recorded = equity is None
        if equity is not None:
            state = self._state
            if state is None:
                state = self._first_state(equity, now)
                if self._options.initial_balance is None:
                    flows = Decimal(0)  # they are part of the equity that this account begins with
            value = Decimal(repr(float(equity)))
            profit = value - state.equity - flows
            self._state = state.apply(EquityChange(now, flow=flows, profit=profit), self._zone)
        elif recorded is None or recorded.state is None or self._has_lost_movements:
            return None
        else:
            self._state = recorded.state = recorded.state.at_day(now.astimezone(self._zone).date())
        if not self._adapter.sends_account_events and self._file.save(self._state):
            self._recorder.money.stored_until[self._key] = self._position
        return self._state

    def _read_movements(self) -> None:
        movements, self._position, lost = self._recorder.money.since(self._position)
        if lost and not self._has_lost_movements:
            self._has_lost_movements = True
            log.warning(
                "%d recorded amounts were not kept until the monitor read them, so it shows no equity of recorded "
                "trades; start it before the bot trades, or pass it an object with get_balance()",
                lost,
            )
        for movement in movements:
            if movement.account not in self._recorded:
                self._recorded[movement.account] = RecordedEquity(self._zone)
                self._resume()
            self._recorded[movement.account].add(movement)

    def _resume(self) -> None:
        # The stored state belongs to the account that is shown: an earlier process recorded the trades before.
        recorded = self._of_account()
        if recorded is not None and recorded.state is None and not recorded.waiting:
            recorded.state = self._stored

    def _of_account(self) -> RecordedEquity | None:
        if self._key in self._recorded or len(self._recorded) != 1:
            return self._recorded.get(self._key)
        return next(iter(self._recorded.values()))

    def _first_state(self, equity: float, now: datetime) -> EquityState:
        local = now.astimezone(self._zone)
        midnight = datetime.combine(local.date(), time(), self._zone).astimezone(UTC)
        today = self._adapter.closed_pnl_since(midnight)
        if today is None:
            closed = self._recorder.closed_trades.totals()
            today = float(closed.day_pnl) if closed.day == now.date() else 0.0
        initial = self._options.initial_balance
        return figures.first_state(equity if initial is None else initial, equity - today, local)
