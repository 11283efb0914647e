"""Unit tests of a trading bot in seven areas: real components against values that can be checked by hand.

Run them with `python -m seatrial.testing.unit_tests` or `unittest.main(module="seatrial.testing.unit_tests")`.
"""

import unittest
from datetime import UTC, datetime
from decimal import Decimal
from math import isnan

from seatrial.lazy import raise_missing_extra
from seatrial.testing.exchange import exchange
from seatrial_core import signing
from seatrial_core.clients import ServiceClient
from seatrial_core.clock import ManualClock
from seatrial_core.contracts.orders import TradingState
from seatrial_core.errors import PeerUnreachable, ValidationFailed

try:
    from seatrial_engine.domain.changes import StateChanges
    from seatrial_engine.domain.config import EngineConfig, RiskLimits
    from seatrial_engine.engine import Engine
    from seatrial_engine.memory import MemoryStore
    from seatrial_trading.quant import indicators, kelly, sizing
except ModuleNotFoundError as missing:
    raise_missing_extra(missing, "TradingBotTests")

# 33 closes common in the literature on RSI; RSI from index 14 on as TA-Lib 0.8.2 computes it (Wilder's smoothing).
CLOSES = (
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931,
    46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521,
    45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314,
)  # fmt: skip
RSI = (
    70.532789, 66.318562, 66.549830, 69.406305, 66.355169, 57.974856, 62.929607, 63.257148, 56.059299, 62.377071,
    54.707573, 50.422774, 39.989823, 41.460482, 41.868916, 45.463212, 37.304042, 33.079523, 37.772952,
)  # fmt: skip
# Made with `openssl dgst -sha256 -hmac 'a shared secret'` of the text 1700000000.{"symbol":"BTCUSDT","action":"buy"}
WEBHOOK_SIGNATURE = "sha256=8ef19d8e10533e8bf7dc0fe05c8f4d4bc466102af2c6073833f2f6a0c7329295"
BANDS_AT_19 = (47.119248, 45.410425, 43.701602)


class TradingBotTests(unittest.TestCase):
    """One or more tests per area; none is skipped."""

    def test_kelly_criterion_position_sizing(self) -> None:
        """Kelly fraction K = W - (1 - W) / R, halved and capped; the stake is the loss at the stop."""
        for win_rate, payoff, expected in ((0.6, 1.0, 0.2), (0.5, 2.0, 0.25), (0.55, 1.5, 0.25), (0.4, 1.0, -0.2)):
            self.assertAlmostEqual(kelly.kelly(win_rate, payoff).value or 0.0, expected, places=12)
        self.assertEqual(kelly.applied_fraction(0.25), 0.125)
        self.assertEqual(kelly.applied_fraction(0.9), 0.25)
        self.assertEqual(kelly.applied_fraction(-0.2), 0.0)

        history = sizing.TradeStatistics(closed=60, wins=30, losses=30, gain_ratios=1.2, loss_ratios=-0.6)
        situation = sizing.Situation(equity=10_000.0, price=100.0, stop_price=95.0, history=history)
        quantity = sizing.quantity(sizing.parse("kelly:0.5"), situation)
        self.assertAlmostEqual(quantity.value or 0.0, 0.125 * 10_000 / 5, places=9)

    def test_kelly_criterion_is_zero_for_a_losing_history(self) -> None:
        """A negative Kelly fraction opens no position."""
        history = sizing.TradeStatistics(closed=60, wins=20, losses=40, gain_ratios=0.2, loss_ratios=-0.8)
        situation = sizing.Situation(equity=10_000.0, price=100.0, stop_price=95.0, history=history)
        self.assertIsNone(sizing.quantity(sizing.parse("kelly:0.5"), situation).value)

    def test_rsi_calculation_accuracy(self) -> None:
        """Wilder's RSI equals TA-Lib's, and is NaN during the warm-up period."""
        values = indicators.rsi(CLOSES, 14)
        self.assertTrue(all(isnan(value) for value in values[:14]))
        for value, expected in zip(values[14:], RSI, strict=True):
            self.assertAlmostEqual(float(value), expected, places=5)

    def test_rsi_calculation_of_constant_rising_and_falling_prices(self) -> None:
        """RSI is 50 for constant, 100 for rising and 0 for falling prices."""
        self.assertEqual(float(indicators.rsi([100.0] * 20)[-1]), 50.0)
        self.assertEqual(float(indicators.rsi([float(price) for price in range(1, 30)])[-1]), 100.0)
        self.assertEqual(float(indicators.rsi([float(price) for price in range(30, 1, -1)])[-1]), 0.0)

    def test_bollinger_bands_calculation(self) -> None:
        """The bands are the mean of 20 closes plus and minus two population standard deviations."""
        upper, middle, lower = indicators.bollinger(CLOSES, 20, 2.0)
        for band, expected in zip((upper, middle, lower), BANDS_AT_19, strict=True):
            self.assertTrue(isnan(band[18]))
            self.assertAlmostEqual(float(band[19]), expected, places=5)
        flat = indicators.bollinger([100.0] * 25, 20, 2.0)
        self.assertEqual([float(band[-1]) for band in flat], [100.0, 100.0, 100.0])

    def test_api_request_handling_retries_idempotent_requests_only(self) -> None:
        """A GET is tried three times on errors 5xx, a POST once."""
        with exchange(503, 503, 200) as stub, ServiceClient("exchange", url=stub.url, token="t" * 16) as client:
            self.assertEqual(client.get("/ticker"), {"ok": True})
            self.assertEqual(stub.requests, ["GET /ticker"] * 3)
        with exchange(503, 200) as stub, ServiceClient("exchange", url=stub.url, token="") as client:
            with self.assertRaises(PeerUnreachable):
                client.post("/orders", {"side": "BUY"})
            self.assertEqual(stub.requests, ["POST /orders"])

    def test_api_request_handling_reports_the_reason_of_an_error(self) -> None:
        """A refused request and an unreachable exchange raise different errors with their reason."""
        with exchange(422) as stub, ServiceClient("exchange", url=stub.url, token="") as client:
            with self.assertRaisesRegex(ValidationFailed, "too small"):
                client.get("/orders")
            stopped_url = stub.url
        with (
            ServiceClient("exchange", url=stopped_url, token="", timeout_seconds=0.5, attempts=1) as client,
            self.assertRaisesRegex(PeerUnreachable, "does not answer"),
        ):
            client.get("/orders")

    def test_risk_limits_enforcement(self) -> None:
        """An order over a limit is rejected with the limit's name, and a position can always be closed."""
        limits = RiskLimits(max_position_notional=Decimal(3_000), max_open_positions=2, max_orders_per_minute=6)
        engine = _engine(limits)
        self.assertEqual(_reason(engine, "A", "buy", 31), "max_position_notional")
        self.assertEqual(_reason(engine, "A", "buy", 30), None)
        self.assertEqual(_reason(engine, "B", "buy", 10), None)
        self.assertEqual(_reason(engine, "C", "buy", 10), "max_open_positions")
        self.assertEqual(_reason(engine, "A", "sell", 31), "exceeds_position")
        self.assertEqual(_reason(engine, "C", "short", 1), "short_not_allowed")
        self.assertEqual(_reason(engine, "A", "sell", 30), None)
        for _ in range(3):
            self.assertEqual(_reason(engine, "D", "buy", 1), None)
        self.assertEqual(_reason(engine, "D", "buy", 1), "max_order_rate")

    def test_risk_limits_enforcement_after_losses_and_halts(self) -> None:
        """No position is opened without cash or after the daily loss limit, and no order is sent while halted."""
        engine = _engine(RiskLimits(max_daily_loss_ratio=Decimal("0.05")))
        self.assertEqual(_reason(engine, "A", "buy", 101), "no_cash")
        self.assertEqual(_reason(engine, "A", "buy", 90), None)
        engine.on_prices([("A", Decimal(94))])
        self.assertEqual(_reason(engine, "B", "buy", 1), "max_daily_loss")
        engine.set_control(TradingState.HALTED, "unit tests", "checks the halt")
        self.assertEqual(_reason(engine, "A", "sell", 90), "halted")
        engine.set_control(TradingState.REDUCING, "unit tests", "checks reducing")
        self.assertEqual(_reason(engine, "A", "sell", 90), None)

    def test_database_operations_restore_orders_positions_and_cash(self) -> None:
        """Orders, positions and cash are exactly the same after a restart, and a repeated order is stored once."""
        store = MemoryStore()
        engine = _engine(RiskLimits(), store)
        order = {"symbol": "A", "action": "buy", "quantity": "10", "price": "100", "client_order_id": "one"}
        first, again = engine.process_signal(order), engine.process_signal(order)
        self.assertEqual((first["status"], again["order_id"]), ("filled", first["order_id"]))
        self.assertEqual(engine.process_signal({**order, "quantity": "11"})["reason"], "conflict")
        closed = engine.process_signal({"symbol": "A", "action": "close", "price": "110"})
        self.assertEqual(Decimal(closed["pnl"]), Decimal("97.9"))

        account = _engine(RiskLimits(), store).state.accounts["default"]
        self.assertEqual(account.cash, Decimal(10_000) + Decimal("97.9"))
        self.assertEqual(dict(account.positions), {})
        self.assertEqual(len(store.orders()), 2)
        self.assertEqual([fill.pnl for fill in store.fills()], [None, Decimal("97.9")])

    def test_database_operations_that_fail_change_nothing(self) -> None:
        """An order that cannot be stored is not executed."""

        class FullDisk(MemoryStore):
            def commit(self, changes: StateChanges) -> None:
                raise OSError("disk full")

        engine = _engine(RiskLimits(), FullDisk())
        with self.assertRaisesRegex(OSError, "disk full"):
            engine.process_signal({"symbol": "A", "action": "buy", "quantity": "10", "price": "100"})
        self.assertEqual(dict(engine.state.accounts), {})

    def test_webhook_signature_validation(self) -> None:
        """Only the exact body, signed with the secret within five minutes, is accepted."""
        body, now = b'{"symbol":"BTCUSDT","action":"buy"}', 1_700_000_000
        signature = signing.sign("a shared secret", body, now)
        self.assertEqual(signature, WEBHOOK_SIGNATURE)

        def refusal(
            secret: str = "a shared secret",
            content: bytes = body,
            at: str | None = str(now),
            header: str | None = signature,
        ) -> str | None:
            return signing.verify(secret, content, at, header, now=now + 299)

        self.assertIsNone(refusal())
        self.assertIsNotNone(refusal(secret="another secret"))
        self.assertIsNotNone(refusal(content=body + b" "))
        self.assertIsNotNone(refusal(at=str(now - 2)))
        self.assertIsNotNone(refusal(at="yesterday"))
        self.assertIsNotNone(refusal(header=signature[:-1]))
        self.assertIsNotNone(refusal(header=None))


def _engine(limits: RiskLimits, store: MemoryStore | None = None) -> Engine:
    clock = ManualClock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    return Engine(EngineConfig(limits=limits), store or MemoryStore(), None, clock)


def _reason(engine: Engine, symbol: str, action: str, quantity: int) -> str | None:
    # Returns why an order at a price of 100 was rejected, or None when it was filled.
    price = {} if symbol == "A" and action == "sell" else {"price": "100"}
    result = engine.process_signal({"symbol": symbol, "action": action, "quantity": quantity, **price})
    assert result["status"] in {"filled", "rejected"}, result
    return None if result["status"] == "filled" else str(result["reason"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
