"""Builds a replay from a request."""

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.orders import ReplayAccountRequest, ReplayRequest
from seatrial_core.errors import ValidationFailed
from seatrial_engine.replays.replay import Replay
from seatrial_engine.replays.replay_account import ReplayAccount, ReplayAccountConfig
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.quant.candles import Candles


def build_replay(request: ReplayRequest, engine: str, clock: Clock) -> Replay:
    """Return the replay of a request, before its first step.

    Args:
        request: Accounts, bars and strategies.
        engine: The engine's name, in every event.
        clock: Measures execution times.

    Raises:
        ValidationFailed: Bars, strategy, parameters or size of an account are not allowed; the message names it.
    """
    return Replay([_account(request.id, account, engine, clock) for account in request.accounts])


def _account(replay: str, request: ReplayAccountRequest, engine: str, clock: Clock) -> ReplayAccount:
    try:
        return ReplayAccount(_config(request), replay, engine, clock)
    except ValidationFailed as error:
        raise ValidationFailed(f"account {request.account!r}: {error.detail}", errors=error.errors) from error


def _config(request: ReplayAccountRequest) -> ReplayAccountConfig:
    return ReplayAccountConfig(
        account=request.account,
        candles=Candles.from_columns(request.symbol, request.candles.model_dump()),
        strategy=request.strategy,
        params=request.params,
        initial_balance=request.cash,
        execution=ExecutionConfig(
            cash=float(request.cash),
            taker_fee_rate=request.fee,
            slippage_bps=request.slippage_bps,
            lot_size=request.lot,
            session=request.session,
            allow_short=request.allow_short,
            sizing=request.size,
        ),
    )
