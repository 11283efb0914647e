"""The execution settings of a backtest as people name them, checked once: the same in CLI, REST and Python."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from seatrial_core.errors import field_error
from seatrial_trading.matching import ExecutionConfig
from seatrial_trading.quant import sizing

Session = Literal["continuous", "auction"]
Intrabar = Literal["worst", "best", "nearest", "magnify"]
DEFAULT_SIZE = "equity:1.0"
_BOUNDS = {
    "fee": (-0.01, 0.1),
    "maker_fee": (-0.01, 0.1),
    "slippage_bps": (0.0, 1_000.0),
    "lot": (0.0, 1e15),
    "tick": (0.0, 1e15),
    "min_notional": (0.0, 1e15),
}


@dataclass(frozen=True)
class ExecutionSettings:
    """What orders cost and how bars are settled.

    Args:
        cash: Money at the start, in quote currency.
        fee: Ratio of the notional charged on each side (taker); `maker_fee` for resting limits, None means the same.
        slippage_bps: Basis points against the trader on market and stop fills.
        size: `fixed:10|notional:1000|equity:1.0|risk:0.01|kelly:0.5|vol:0.1`; None: the strategy's or all.
        lot, tick: Steps of quantity and price, 0 for none.
        min_notional: Smallest entry in quote currency.
        allow_short: Whether the strategy may sell short.
        session: `continuous`, or `auction`: a target that the bar opens beyond fills at the open.
        intrabar: Who is right where the order of high and low decides; `magnify` asks bars of a shorter interval.
        seed: Of the random resolutions for the bounds.
    """

    cash: float = 10_000.0
    fee: float = 0.001
    maker_fee: float | None = None
    slippage_bps: float = 0.0
    size: str | None = None
    lot: float = 0.0
    tick: float = 0.0
    min_notional: float = 0.0
    allow_short: bool = False
    session: Session = "continuous"
    intrabar: Intrabar = "worst"
    seed: int = 0

    def __post_init__(self) -> None:
        if not (_is_number(self.cash) and 0 < self.cash <= 1e15):
            raise field_error("cash", self.cash, "a number above 0")
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and low <= value <= high):
                raise field_error(name, value, f"a number from {low:g} to {high:g}")
        if self.session not in get_args(Session):
            raise field_error("session", self.session, " or ".join(get_args(Session)))
        if self.intrabar not in get_args(Intrabar):
            raise field_error("intrabar", self.intrabar, "worst, best, nearest or magnify")
        if self.size is not None:
            sizing.parse(self.size)

    def execution(self, strategy_size: str | None = None) -> ExecutionConfig:
        """Return the kernel's configuration; `strategy_size` counts where the caller named no size."""
        return ExecutionConfig(
            cash=float(self.cash),
            taker_fee_rate=float(self.fee),
            maker_fee_rate=None if self.maker_fee is None else float(self.maker_fee),
            slippage_bps=float(self.slippage_bps),
            tick_size=float(self.tick),
            lot_size=float(self.lot),
            min_notional=float(self.min_notional),
            session=self.session,
            intrabar=self.intrabar,
            allow_short=bool(self.allow_short),
            sizing=self.size or strategy_size or DEFAULT_SIZE,
            seed=int(self.seed),
        )


def require_finer(intrabar: str, finer: object) -> None:
    """Raise unless finer bars come with `magnify`, and only with it."""
    if intrabar == "magnify" and finer is None:
        raise field_error(
            "intrabar", intrabar, "worst, best or nearest; magnify needs `finer`, bars of a shorter interval"
        )
    if intrabar != "magnify" and finer is not None:
        raise field_error("intrabar", intrabar, "magnify, because finer bars were given, or no finer bars")


def assumptions(config: ExecutionConfig, finer_interval_ms: int | None = None) -> dict[str, Any]:  # Any: texts, numbers
    """Return what a run assumes, in the words of the command line; every printout states it first."""
    return {
        "cash": config.cash,
        "fee": config.taker_fee_rate,
        "maker_fee": config.taker_fee_rate if config.maker_fee_rate is None else config.maker_fee_rate,
        "slippage_bps": config.slippage_bps,
        "size": str(sizing.parse(config.sizing)),
        "lot": config.lot_size,
        "tick": config.tick_size,
        "min_notional": config.min_notional,
        "fill": "decided at the close of a bar, filled at the next open",
        "intrabar": config.intrabar,
        "finer_interval_ms": finer_interval_ms,
        "session": config.session,
        "allow_short": config.allow_short,
        "open_at_end": "closed at the last close",
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
