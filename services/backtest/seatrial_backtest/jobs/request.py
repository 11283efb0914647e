"""What a request over the wire means: strategy, settings, and the identity under which its result is kept."""

from dataclasses import dataclass
from typing import Any

from seatrial_backtesting.execution_settings import ExecutionSettings
from seatrial_backtesting.result import manifest
from seatrial_backtesting.strategy_ref import StrategyRef, choose
from seatrial_core.contracts.backtests import BacktestRequest, DatasetInfo
from seatrial_core.errors import field_error


@dataclass(frozen=True)
class BacktestOrder:
    """A request that was understood."""

    choice: StrategyRef
    settling: ExecutionSettings


def understand(request: BacktestRequest) -> BacktestOrder:
    """Return the strategy and settings of a request, or raise naming the field.

    The strategy's name is looked up among the registered ones; it never reaches an import, a path or eval.
    """
    if (request.strategy is None) == (request.rules is None):
        found = None if request.strategy is None else request.strategy
        raise field_error("strategy", found, "either `strategy` (a name) or `rules` (a document), not both")
    # Any name but a registered one is refused here; a mapping can only be a rule document.
    choice = choose(request.strategy if request.strategy is not None else request.rules, request.params)
    return BacktestOrder(choice, settling_of(request))


def settling_of(request: BacktestRequest) -> ExecutionSettings:
    """Return the execution settings; a size that was not sent leaves the strategy its own."""
    if (request.intrabar == "magnify") != (request.finer_dataset is not None):
        allowed = "`magnify` together with `finer_dataset`, bars of a shorter interval; worst, best or nearest without"
        raise field_error("intrabar", request.intrabar, allowed)
    return ExecutionSettings(
        cash=float(request.cash),
        fee=request.fee,
        maker_fee=request.maker_fee,
        slippage_bps=request.slippage_bps,
        size=request.size if "size" in request.model_fields_set else None,
        lot=request.lot,
        tick=request.tick,
        min_notional=request.min_notional,
        allow_short=request.allow_short,
        session=request.session,
        intrabar=request.intrabar,
        seed=request.seed,
    )


def identity(order: BacktestOrder, data: DatasetInfo, finer: DatasetInfo | None = None) -> str:
    """Return the hash of everything that the numbers of this order on these bars depend on."""
    config = order.settling.execution(order.choice.size)
    inside = None if finer is None else _facts(finer)
    return manifest.request_sha256(manifest.inputs(_facts(data), order.choice.facts, config, inside))


def check_finer(data: DatasetInfo, finer: DatasetInfo) -> None:
    """Raise unless bars can lie inside others: the same symbol, an interval that divides theirs."""
    if finer.symbol != data.symbol:
        raise field_error("finer_dataset", finer.id, f"a dataset of {data.symbol}; this one is of {finer.symbol}")
    if finer.interval_ms >= data.interval_ms or data.interval_ms % finer.interval_ms:
        raise field_error(
            "finer_dataset",
            finer.id,
            f"bars of an interval that divides {data.interval_ms} ms; these are of {finer.interval_ms} ms",
        )


def _facts(data: DatasetInfo) -> dict[str, Any]:  # Any: JSON
    return {"symbol": data.symbol, "bars": data.bars, "interval_ms": data.interval_ms, "sha256": data.id}
