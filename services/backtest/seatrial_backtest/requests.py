"""What a request over the wire means: strategy, settings, and the identity under which its result is kept."""

from dataclasses import dataclass

from seatrial_backtest import manifest
from seatrial_backtest.choice import Choice, choose
from seatrial_backtest.settling import Settling
from seatrial_shared.contracts.backtests import BacktestRequest, DatasetInfo
from seatrial_shared.errors import field_error


@dataclass(frozen=True)
class Order:
    """A request that was understood."""

    choice: Choice
    settling: Settling


def understand(request: BacktestRequest) -> Order:
    """Return the strategy and settings of a request, or raise naming the field.

    The strategy's name is looked up among the registered ones; it never reaches an import, a path or eval.
    """
    if (request.strategy is None) == (request.rules is None):
        found = None if request.strategy is None else request.strategy
        raise field_error("strategy", found, "either `strategy` (a name) or `rules` (a document), not both")
    # Any name but a registered one is refused here; a mapping can only be a rule document.
    choice = choose(request.strategy if request.strategy is not None else request.rules, request.params)
    return Order(choice, settling_of(request))


def settling_of(request: BacktestRequest) -> Settling:
    """Return the execution settings; a size that was not sent leaves the strategy its own."""
    if request.intrabar == "magnify":
        raise field_error("intrabar", "magnify", "worst, best or nearest; magnify needs bars of a shorter interval")
    return Settling(
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


def identity(order: Order, data: DatasetInfo) -> str:
    """Return the hash of everything that the numbers of this order on these bars depend on."""
    facts = {"symbol": data.symbol, "bars": data.bars, "interval_ms": data.interval_ms, "sha256": data.id}
    config = order.settling.execution(order.choice.size)
    return manifest.request_sha256(manifest.inputs(facts, order.choice.facts, config))
