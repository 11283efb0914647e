"""The execution settings of a backtest, validated once; the same names in CLI, REST and Python."""

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
    """Balance, costs, order sizes and fill rules.

    Args:
        cash: Initial balance in quote currency, above 0.
        fee: Taker fee per side as a ratio of the notional, -0.01 to 0.1.
        maker_fee: The same for resting limit orders; None means `fee`.
        slippage_bps: Slippage on market and stop fills in basis points, 0 to 1000.
        size: `fixed:10|notional:1000|equity:1.0|risk:0.01|kelly:0.5|vol:0.1`; None: the strategy's own, else all
            equity.
        lot, tick: Step of quantity and price, 0 for none.
        min_notional: Smallest notional of an entry in quote currency.
        allow_short: Whether the strategy may sell short.
        session: `continuous`, or `auction`: a target beyond which the bar opens is filled at the open.
        intrabar: Assumption where the order of high and low decides; `magnify` uses bars of a shorter interval.
        seed: Seed of the random intrabar scenarios behind the bounds.

    Raises:
        ValidationFailed: A value is outside its range.
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
        """Return the configuration of the simulation; `strategy_size` applies where the caller gave no size."""
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


def check_sub_bars(intrabar: str, sub_bars: object) -> None:
    """Raise ValidationFailed unless bars of a shorter interval are given with `magnify`, and only with it."""
    if intrabar == "magnify" and sub_bars is None:
        raise field_error(
            "intrabar", intrabar, "worst, best or nearest; magnify needs `finer`, bars of a shorter interval"
        )
    if intrabar != "magnify" and sub_bars is not None:
        raise field_error("intrabar", intrabar, "magnify if `finer` is given; without it, worst, best or nearest")


def describe_assumptions(
    config: ExecutionConfig, finer_interval_ms: int | None = None
) -> dict[str, Any]:  # Any: texts, numbers
    """Return the assumptions of a run under the names of the command line; every output starts with them."""
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
