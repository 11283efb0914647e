"""The reference trading engine in the owner's own process: signals, webhooks and automatic trading on paper."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from seatrial.config.trading_config import TradingConfig
from seatrial.lazy import raise_missing_extra
from seatrial.monitoring.collecting import spill
from seatrial.monitoring.metrics_collector import MetricsCollector
from seatrial_core import catalog
from seatrial_core.clock import SystemClock
from seatrial_core.contracts.events import Environment
from seatrial_core.errors import SettingsError

try:
    from seatrial.engine.auto_trading import AutoTrader, EventSink
    from seatrial.engine.trade_book import TradeBook
    from seatrial.engine.used_signatures import SignatureFile
    from seatrial.engine.webhook import WebhookHandler
    from seatrial.engine.webhook_receiver import WebhookRecorder, WebhookSecret
    from seatrial_backtesting.data.loader import LoadOptions, load
    from seatrial_engine.domain.config import EngineConfig, RiskLimits
    from seatrial_engine.domain.exchange import ExchangeFault
    from seatrial_engine.engine import Engine
    from seatrial_engine.memory import MemoryStore
    from seatrial_trading.strategy import registry
except ModuleNotFoundError as missing:
    raise_missing_extra(missing, "TradingEngine")

NAME = "seatrial"
INVALID_SIGNAL = "invalid_signal"


class TradingEngine:
    """Trades signals on a paper account, counts what it does, and needs no database and no network.

    Args:
        config: Its settings.

    Example:
        engine = TradingEngine(TradingConfig())
        engine.process_signal({"symbol": "BTCUSDT", "action": "buy", "price": 50_000})["status"]
    """

    def __init__(self, config: TradingConfig) -> None:
        if not isinstance(config, TradingConfig):
            raise TypeError(f"TradingEngine needs a TradingConfig, found {type(config).__name__}")
        self.config = config
        self._clock = SystemClock()
        self.metrics = MetricsCollector(engine=NAME, account=str(config.account), environment=config.environment)
        self._store = MemoryStore(sink=self._send)
        self._engine = Engine(_engine_config(config), self._store, None, self._clock)
        self.db_manager = TradeBook(self._engine, self._store)
        used = SignatureFile(spill.directory(), str(config.account), config.webhook_secret)
        self.webhook_handler = WebhookHandler(
            self._trade,
            WebhookRecorder(self._count_webhook, self._report_webhook),
            WebhookSecret(config.webhook_secret, used),
            self._clock,
        )

    def process_signal(
        self, signal_data: Mapping[str, Any], *, fault: str | None = None
    ) -> dict[str, Any]:  # Any: JSON
        """Trade a signal and return the result; a refused or malformed signal is an answer, not an exception.

        Args:
            signal_data: `symbol` and `action` (buy, sell, close, short, cover, hold); `price`, `quantity`, `stop_loss`,
                `take_profit`, `size`, `client_order_id` as needed; without `strategy` it counts as `manual`.
            fault: Name of the failure that the simulated exchange injects (`seatrial_engine.domain.exchange`), for
                tests.
        """
        result = self._trade(signal_data, None if fault is None else ExchangeFault(fault))
        if result["status"] == "invalid":
            self.metrics.record_error(INVALID_SIGNAL)
        return result

    def get_orders(self) -> list[dict[str, Any]]:  # Any: JSON
        """Return every order, oldest first, those of stress tests too."""
        return [order.model_dump(mode="json") for order in self._store.orders()]

    def get_fills(self) -> list[dict[str, Any]]:  # Any: the columns have a type each
        """Return every fill, oldest first, those of stress tests too."""
        return [asdict(fill) for fill in self._store.fills()]

    def start_auto_trading(self) -> None:
        """Trade the configured strategy on the configured bars in the background; without them nothing happens.

        Raises:
            SettingsError: Only one of `strategy` and `bars` is configured.
        """
        automatic = self.db_manager.automatic
        if automatic is not None and automatic.is_running:
            return
        config = self.config
        if config.strategy is None and config.bars is None:
            return
        if config.strategy is None or config.bars is None:
            missing = "strategy" if config.strategy is None else "bars"
            raise SettingsError(
                f"start_auto_trading needs TradingConfig's strategy and bars, `{missing}` is missing; "
                f"known strategies: {', '.join(registry.names())}"
            )
        candles = load(config.bars, LoadOptions(symbol=config.symbol)).candles
        recorder = self.metrics.recorder
        sink = EventSink(recorder.relay, lambda: recorder.sender.waiting)
        automatic = AutoTrader(config, candles, NAME, sink, self._clock)
        self.db_manager.automatic = automatic
        automatic.start()

    def stop_trading(self) -> None:
        """Stop automatic trading and the webhook, and send or spill the recorded events; may be called again."""
        if self.db_manager.automatic is not None:
            self.db_manager.automatic.stop()
        self.webhook_handler.stop()
        self.metrics.recorder.sender.close()

    def _trade(self, signal_data: Mapping[str, Any], fault: ExchangeFault | None = None) -> dict[str, Any]:  # Any: JSON
        return self._engine.process_signal({"account": self.config.account, **signal_data}, fault)

    def _count_webhook(self, status: str) -> None:
        self.metrics.recorder.counters.count(catalog.TRADING_WEBHOOKS, status)
        if status == "invalid":
            self.metrics.recorder.counters.count(catalog.TRADING_ERRORS, INVALID_SIGNAL)

    def _report_webhook(self, status: str) -> None:
        self.metrics.record_webhook(status)
        if status == "invalid":
            self.metrics.record_error(INVALID_SIGNAL)

    def _send(self, events: Sequence[Mapping[str, Any]]) -> None:
        for event in events:
            self.metrics.recorder.relay(event)


def _engine_config(config: TradingConfig) -> EngineConfig:
    return EngineConfig(
        name=NAME,
        account=str(config.account),
        environment=Environment(config.environment),
        currency=config.currency,
        initial_balance=_decimal(config.initial_balance),
        fee_rate=_decimal(config.fee),
        slippage_bps=_decimal(config.slippage_bps),
        lot_size=_decimal(config.lot_size),
        size=config.size,
        limits=RiskLimits(
            max_position_notional=_limit(config.max_position_notional),
            max_open_positions=config.max_open_positions,
            max_daily_loss_ratio=_limit(config.max_daily_loss_ratio),
            max_orders_per_minute=config.max_orders_per_minute,
            min_notional=_decimal(config.min_notional),
            allow_short=config.allow_short,
        ),
    )


def _decimal(number: float) -> Decimal:
    return Decimal(repr(float(number)))


def _limit(number: float | None) -> Decimal | None:
    return None if number is None else _decimal(number)
