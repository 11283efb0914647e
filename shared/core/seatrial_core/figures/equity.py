"""The state of an equity curve: equity, peak, drawdown and session, updated one instant at a time."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Context, Decimal, localcontext

from seatrial_core.decimals import EXACT
from seatrial_core.figures import live
from seatrial_core.figures.figure import Figure

ZERO = Decimal(0)
# A scaled reference is a quotient; 40 digits keep its error far below that of any price.
_SCALED = Context(prec=40)
# Equity below this part of a reference counts as lost: scaling by it again and again would have no limit.
_LOST = Decimal("1e-9")
_SMALLEST = Decimal("1e-30")


@dataclass(frozen=True)
class EquityChange:
    """The change of an equity curve at one instant: capital moves first, the profit follows.

    Args:
        at: The instant, aware.
        flow: Deposits less withdrawals, and the capital of accounts that join, in account currency.
        profit: The change of equity that is no flow.
        joining: How many accounts are marked to market for the first time.
        reported: How many accounts have been marked to market at this instant.
    """

    at: datetime
    flow: Decimal = ZERO
    profit: Decimal = ZERO
    joining: int = 0
    reported: int = 0

    def plus(self, other: "EquityChange") -> "EquityChange":
        """Return both changes as one change at this instant."""
        return EquityChange(
            self.at,
            self.flow + other.flow,
            self.profit + other.profit,
            self.joining + other.joining,
            self.reported + other.reported,
        )

    def minus(self, other: "EquityChange") -> "EquityChange":
        """Return what this change adds to `other`, an earlier version of it."""
        return EquityChange(
            self.at,
            self.flow - other.flow,
            self.profit - other.profit,
            self.joining - other.joining,
            self.reported - other.reported,
        )


@dataclass(frozen=True)
class EquityState:
    """The state of an equity curve after an instant.

    A flow multiplies the peak and both references by equity after over equity before (time-weighted return), so that
    every ratio is the same before and after it. Equity that was lost, to zero or below a billionth of the reference,
    cannot be multiplied: the flow is added then.

    Args:
        equity: The equity of all members, in account currency.
        peak: The highest equity so far, scaled by later flows.
        max_drawdown_ratio: The largest drawdown from the peak so far: 0 or more, above 1 only with negative equity.
        base: All flows so far; equity - base is the profit.
        base_reference: The equity that no profit and no loss would have left, scaled by flows.
        session_day: The day of the last update in the time zone of the account; None before the first.
        session_start_equity: Equity at the end of the day before, plus the flows since.
        session_reference: Equity at the end of the day before, scaled by the flows since.
        withdrawn_equity: The equity before everything was withdrawn, to which the references belong until a deposit.
        members: How many accounts have been marked to market at least once.
    """

    equity: Decimal = ZERO
    peak: Decimal = ZERO
    max_drawdown_ratio: Decimal = ZERO
    base: Decimal = ZERO
    base_reference: Decimal = ZERO
    session_day: date | None = None
    session_start_equity: Decimal = ZERO
    session_reference: Decimal = ZERO
    withdrawn_equity: Decimal | None = None
    members: int = 0

    @property
    def pnl(self) -> Decimal:
        """Return the profit or loss since the beginning."""
        return self.equity - self.base

    @property
    def session_pnl(self) -> Decimal:
        """Return the profit or loss of the current session."""
        return self.equity - self.session_start_equity

    @property
    def session_loss(self) -> Figure:
        """Return the loss of the session over its starting equity, without flows; 0 without a loss."""
        return live.loss_ratio(self.valued_equity, self.session_reference)

    @property
    def drawdown(self) -> Figure:
        """Return the drawdown from the peak as a ratio."""
        return live.drawdown_ratio(self.valued_equity, self.peak)

    @property
    def growth(self) -> Figure:
        """Return the time-weighted growth since the beginning, 1 without a profit or loss."""
        return live.growth_ratio(self.valued_equity, self.base_reference)

    @property
    def valued_equity(self) -> Decimal:
        """Return the equity that belongs to the peak and the references."""
        return self.equity if self.withdrawn_equity is None else self.withdrawn_equity

    def apply(self, change: EquityChange, zone: tzinfo = UTC) -> "EquityState":
        """Return the state after a complete instant.

        Args:
            change: What the instant changes; it must not be before the state.
            zone: The time zone in which days begin.
        """
        with localcontext(EXACT):
            state = self.at_day(change.at.astimezone(zone).date())
            if change.flow:
                state = state._move(change.flow)
            return state._earn(change)

    def mark(self, equity: Decimal, at: datetime, zone: tzinfo = UTC) -> "EquityState":
        """Return the state after an instant at which the same members are worth `equity`."""
        with localcontext(EXACT):
            return self.apply(EquityChange(at, profit=equity - self.equity), zone)

    def at_day(self, day: date) -> "EquityState":
        """Return the state in a session; only a later day than that of the state begins a new one."""
        if self.session_day is not None and day <= self.session_day:
            return self
        return replace(self, session_day=day, session_start_equity=self.equity, session_reference=self.valued_equity)

    def _move(self, flow: Decimal) -> "EquityState":
        after = self.equity + flow
        if self.equity > 0 >= after:
            # Nothing is left to scale by: the references wait for the next deposit.
            moved = replace(self, withdrawn_equity=self.equity)
        elif self.withdrawn_equity is not None and after <= 0:
            moved = self
        elif self.valued_equity > 0:
            moved = self._scaled(after / self.valued_equity, after)
        else:
            moved = replace(
                self,
                peak=self.peak + flow,
                base_reference=self.base_reference + flow,
                session_reference=self.session_reference + flow,
            )
        return replace(
            moved,
            equity=after,
            base=self.base + flow,
            session_start_equity=self.session_start_equity + flow,
        )

    def _earn(self, change: EquityChange) -> "EquityState":
        equity = self.equity + change.profit
        state = replace(self, equity=equity, members=self.members + change.joining)
        if self.withdrawn_equity is not None:
            if equity <= 0 or not change.profit:
                return state
            state = state._scaled(equity / self.withdrawn_equity, equity)
        peak = max(state.peak, equity)
        drawdown = Decimal(repr(live.drawdown_ratio(equity, peak).or_zero()))
        return replace(state, peak=peak, max_drawdown_ratio=max(self.max_drawdown_ratio, drawdown))

    def _scaled(self, factor: Decimal, equity: Decimal) -> "EquityState":
        # A reference that equals the equity before equals it afterwards: a quotient would miss by its last digit.
        before = self.valued_equity

        def scale(reference: Decimal) -> Decimal:
            if reference == before:
                return equity
            if before < reference * _LOST:
                return reference + equity - before
            scaled = _SCALED.multiply(reference, factor)
            return max(scaled, _SMALLEST) if reference > 0 else scaled  # at zero it would stay there

        return replace(
            self,
            peak=scale(self.peak),
            base_reference=scale(self.base_reference),
            session_reference=scale(self.session_reference),
            withdrawn_equity=None,
        )
