"""Resolves a REST request: its strategy, its execution settings, and the job id under which its result is stored."""

from dataclasses import dataclass
from typing import Any

from seatrial_backtesting.execution_settings import ExecutionSettings
from seatrial_backtesting.result import manifest
from seatrial_backtesting.strategy_ref import StrategyRef, resolve_strategy
from seatrial_core.contracts.backtests import BacktestRequest, DatasetInfo
from seatrial_core.errors import field_error


@dataclass(frozen=True)
class ResolvedRequest:
    """The strategy and the execution settings of a request."""

    strategy: StrategyRef
    settings: ExecutionSettings


def resolve_request(request: BacktestRequest) -> ResolvedRequest:
    """Return the strategy and settings of a request.

    A strategy's name is only looked up among the registered ones; it never reaches an import, a path or eval.

    Raises:
        ValidationFailed: Naming the field with the invalid value.
    """
    if (request.strategy is None) == (request.rules is None):
        allowed = "either `strategy` (a name) or `rules` (a document), not both"
        raise field_error("strategy", request.strategy, allowed)
    strategy = resolve_strategy(request.strategy if request.strategy is not None else request.rules, request.params)
    return ResolvedRequest(strategy, _execution_settings(request))


def job_id_of(request: ResolvedRequest, data: DatasetInfo, sub_bars: DatasetInfo | None = None) -> str:
    """Return the hash of everything that the numbers of a request depend on.

    Args:
        request: The strategy and the settings.
        data: The bars.
        sub_bars: Bars of a shorter interval, if any.
    """
    config = request.settings.execution(request.strategy.size)
    finer = None if sub_bars is None else _data_identity(sub_bars)
    return manifest.request_sha256(
        manifest.build_inputs(_data_identity(data), request.strategy.identity, config, finer)
    )


def check_sub_bars(data: DatasetInfo, sub_bars: DatasetInfo) -> None:
    """Raise ValidationFailed unless the bars have the same symbol and an interval that divides the data's."""
    if sub_bars.symbol != data.symbol:
        raise field_error("finer_dataset", sub_bars.id, f"a dataset of {data.symbol}; this one is of {sub_bars.symbol}")
    if sub_bars.interval_ms >= data.interval_ms or data.interval_ms % sub_bars.interval_ms:
        raise field_error(
            "finer_dataset",
            sub_bars.id,
            f"bars of an interval that divides {data.interval_ms} ms; these are of {sub_bars.interval_ms} ms",
        )


def _execution_settings(request: BacktestRequest) -> ExecutionSettings:
    if (request.intrabar == "magnify") != (request.finer_dataset is not None):
        allowed = "`magnify` together with `finer_dataset`, bars of a shorter interval; worst, best or nearest without"
        raise field_error("intrabar", request.intrabar, allowed)
    return ExecutionSettings(
        cash=float(request.cash),
        fee=request.fee,
        maker_fee=request.maker_fee,
        slippage_bps=request.slippage_bps,
        # The default of the contract is not sent: without a size the strategy's own applies.
        size=request.size if "size" in request.model_fields_set else None,
        lot=request.lot,
        tick=request.tick,
        min_notional=request.min_notional,
        allow_short=request.allow_short,
        session=request.session,
        intrabar=request.intrabar,
        seed=request.seed,
    )


def _data_identity(data: DatasetInfo) -> dict[str, Any]:  # Any: JSON
    return {"symbol": data.symbol, "bars": data.bars, "interval_ms": data.interval_ms, "sha256": data.id}
