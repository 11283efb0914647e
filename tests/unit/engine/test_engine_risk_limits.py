"""The risk limits and the trading states."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from tests.unit.engine.engine_parts import START, Bench

from seatrial_core.clock import ManualClock
from seatrial_core.contracts.events import Environment
from seatrial_core.contracts.orders import TradingState
from seatrial_engine.domain.account import Account
from seatrial_engine.domain.config import RiskLimits
from seatrial_engine.domain.order_intent import RejectReason
from seatrial_engine.domain.sessions import DayEquity
from seatrial_engine.domain.signal_parser import read


def test_order_beyond_the_largest_position_value_is_rejected() -> None:
    bench = Bench(RiskLimits(max_position_notional=Decimal(300)))

    assert bench.send("buy", quantity="3")["status"] == "filled"
    assert bench.send("buy", quantity="0.1")["reason"] == "max_position_notional"


def test_entry_beyond_the_largest_number_of_positions_is_rejected() -> None:
    bench = Bench(RiskLimits(max_open_positions=1))
    bench.send("buy", quantity="1")

    assert bench.send("buy", quantity="1", symbol="Y")["reason"] == "max_open_positions"
    assert bench.send("buy", quantity="1")["status"] == "filled"


def test_small_entry_is_rejected_and_a_small_exit_is_not() -> None:
    bench = Bench(RiskLimits(min_notional=Decimal(50)))

    assert bench.send("buy", quantity="0.1")["reason"] == "below_min_notional"
    bench.send("buy", quantity="1")
    assert bench.send("sell", quantity="0.1")["status"] == "filled"


def test_daily_loss_rejects_entries_until_the_next_day() -> None:
    bench = Bench(RiskLimits(max_daily_loss_ratio=Decimal("0.05")))
    bench.send("buy", "100", quantity="90")
    bench.send("sell", "94")

    assert bench.send("buy", "94", quantity="1")["reason"] == "max_daily_loss"
    bench.clock.advance(86_400)
    assert bench.send("buy", "94", quantity="1")["status"] == "filled"


def test_order_rate_counts_the_last_minute() -> None:
    bench = Bench(RiskLimits(max_orders_per_minute=2))
    first = [bench.send("buy", quantity="1")["status"] for _ in range(2)]

    assert first == ["filled", "filled"]
    assert bench.send("buy", quantity="1")["reason"] == "max_order_rate"
    bench.clock.advance(60)
    assert bench.send("buy", quantity="1")["status"] == "filled"


def test_covered_short_position_earns_the_price_fall() -> None:
    bench = Bench(RiskLimits(allow_short=True))

    assert bench.send("short", "100", quantity="10")["side"] == "SELL"
    covered = bench.send("cover", "90")

    assert Decimal(covered["pnl"]) == Decimal(100) - Decimal(1) - Decimal("0.9")


def test_short_positions_are_limited_by_the_equity() -> None:
    bench = Bench(RiskLimits(allow_short=True))

    assert bench.send("short", "100", quantity="101")["reason"] == "no_cash"
    assert bench.send("short", "100", quantity="90")["status"] == "filled"
    assert bench.send("short", "100", quantity="90")["reason"] == "no_cash"


@pytest.mark.parametrize(
    ("state", "entry", "leave"),
    [
        (TradingState.ACTIVE, "filled", "filled"),
        (TradingState.REDUCING, "rejected", "filled"),
        (TradingState.HALTED, "rejected", "rejected"),
    ],
)
def test_trading_state_allows_all_closing_or_nothing(state: TradingState, entry: str, leave: str) -> None:
    bench = Bench()
    bench.send("buy", quantity="1")
    bench.engine.set_control(state, "risk", "a drill")

    assert bench.send("buy", quantity="1")["status"] == entry
    assert bench.send("sell", quantity="1")["status"] == leave


@dataclass(frozen=True)
class ReducingCase:
    """The answer to an action on a position (0 for none) while only reducing is allowed."""

    position: str
    action: str
    status: str
    side: str
    reason: str | None

    @property
    def id(self) -> str:
        """Return the name of the case."""
        return f"{self.action}-on-{self.position}"


REDUCING_CASES = [
    ReducingCase("long", "sell", "filled", "SELL", "signal"),
    ReducingCase("long", "close", "filled", "SELL", "signal"),
    ReducingCase("long", "buy", "rejected", "BUY", "reducing"),
    ReducingCase("long", "short", "rejected", "SELL", "position_open"),
    ReducingCase("long", "cover", "rejected", "BUY", "nothing_to_close"),
    ReducingCase("short", "buy", "filled", "BUY", "signal"),
    ReducingCase("short", "cover", "filled", "BUY", "signal"),
    ReducingCase("short", "close", "filled", "BUY", "signal"),
    ReducingCase("short", "sell", "rejected", "SELL", "reducing"),
    ReducingCase("short", "short", "rejected", "SELL", "reducing"),
    ReducingCase("no", "buy", "rejected", "BUY", "reducing"),
    ReducingCase("no", "short", "rejected", "SELL", "reducing"),
    ReducingCase("no", "close", "rejected", "BUY", "nothing_to_close"),
]


@pytest.mark.parametrize("case", REDUCING_CASES, ids=lambda case: case.id)
def test_reducing_state_fills_only_orders_that_reduce_the_position(case: ReducingCase) -> None:
    bench = Bench(RiskLimits(allow_short=True))
    if case.position != "no":
        bench.send("buy" if case.position == "long" else "short", quantity="2")
    bench.engine.set_control(TradingState.REDUCING, "risk", "a drill")

    order = bench.send(case.action, quantity="1")

    assert (order["status"], order["side"], order["reason"]) == (case.status, case.side, case.reason)


def test_stop_at_the_exchange_fills_while_halted() -> None:
    bench = Bench()
    bench.send("buy", quantity="1", stop_loss="98")
    bench.engine.set_control(TradingState.HALTED, "risk", "a drill")

    bench.engine.on_prices([("X", Decimal(90))])

    assert bench.engine.state.accounts["default"].positions == {}


def test_check_sends_nothing() -> None:
    bench = Bench()
    signal = read({"symbol": "X", "action": "buy", "price": "100"})

    assert bench.engine.check(signal) is None
    bench.engine.set_control(TradingState.HALTED, "risk", "a drill")
    assert bench.engine.check(signal) is RejectReason.HALTED
    assert (bench.store.orders(), bench.events) == ([], [])


class JumpingClock(ManualClock):
    """A clock whose date is wrong while `offset` is set; its monotonic time runs on."""

    offset = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.offset


@pytest.mark.parametrize("days", [1, 365, -1, -365])
def test_wrong_date_of_one_tick_forgets_no_loss(days: int) -> None:
    bench = Bench(RiskLimits(max_daily_loss_ratio=Decimal("0.05")), clock=JumpingClock(START))
    bench.send("buy", "100", quantity="90")
    bench.clock.advance(60)
    bench.send("buy", "100", quantity="1")
    bench.send("sell", "94")
    bench.clock.advance(1)
    assert bench.send("buy", "94", quantity="1")["reason"] == "max_daily_loss"

    bench.clock.offset = timedelta(days=days)
    bench.engine.on_prices([("X", Decimal(94))])
    assert bench.send("buy", "94", quantity="1")["reason"] == "max_daily_loss"
    bench.clock.offset = timedelta(0)
    bench.clock.advance(1)

    assert bench.send("buy", "94", quantity="1")["reason"] == "max_daily_loss"
    bench.clock.advance(120)
    assert bench.send("buy", "94", quantity="1")["reason"] == "max_daily_loss"


def test_jump_of_the_clock_that_lasts_opens_the_next_session() -> None:
    bench = Bench(RiskLimits(max_daily_loss_ratio=Decimal("0.05")), clock=JumpingClock(START))
    bench.send("buy", "100", quantity="90")
    bench.send("sell", "94")
    bench.clock.offset = timedelta(days=2)

    assert bench.send("buy", "94", quantity="1")["reason"] == "max_daily_loss"
    bench.clock.advance(61)
    assert bench.send("buy", "94", quantity="1")["status"] == "filled"


def test_loss_on_both_sides_of_midnight_is_limited() -> None:
    bench = Bench(RiskLimits(max_daily_loss_ratio=Decimal("0.05")), fee_rate=Decimal(0))
    bench.send("buy", "100", quantity="100")
    bench.clock.advance(11 * 3_600 + 59 * 60)  # 23:59
    bench.send("sell", "96")
    bench.clock.advance(120)
    bench.send("buy", "96", quantity="100")
    bench.send("sell", "91.97")

    assert bench.send("buy", "90", quantity="1")["reason"] == "max_daily_loss"
    bench.clock.advance(24 * 3_600)
    assert bench.send("buy", "90", quantity="1")["status"] == "filled"


def test_returning_to_a_known_day_restores_its_start() -> None:
    day = START
    account = Account("a", Environment.PAPER, Decimal(100), Decimal(100)).in_session(day)
    wrong = replace(account, cash=Decimal(90)).in_session(day + timedelta(days=400))

    back = wrong.in_session(day)

    assert (wrong.session_start_equity, back.session_day, back.session_start_equity) == (
        Decimal(90),
        day.date(),
        Decimal(100),
    )
    assert back.in_session(day - timedelta(days=3)) == back


def test_equity_history_is_the_same_after_storing() -> None:
    account = Account("a", Environment.PAPER, Decimal(100), Decimal("99.10")).in_session(START)
    history = account.with_equity_point(START + timedelta(hours=1)).equity_history

    assert DayEquity.from_json(history.to_json()) == history
