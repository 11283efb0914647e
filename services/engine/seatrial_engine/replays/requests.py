"""Reads a request for a replay, in a parser process, and builds the replay from what was read."""

import hashlib
from dataclasses import dataclass, field
from typing import BinaryIO

from seatrial_core.contracts.clock import Clock
from seatrial_core.contracts.orders import ReplayAccountRequest, ReplayRequest
from seatrial_core.errors import ValidationFailed
from seatrial_engine.replays.replay import Replay
from seatrial_engine.replays.replay_account import ReplayAccount, ReplayAccountConfig
from seatrial_service import json_body
from seatrial_trading.matching.config import ExecutionConfig
from seatrial_trading.quant.candles import Candles
from seatrial_trading.strategy import registry

MAX_BYTES = 32 << 20
MAX_VALUES = 4_000_000  # six numbers a bar: what MAX_BYTES can hold


@dataclass(frozen=True)
class ReadReplay:
    """A request for a replay as it was read.

    Args:
        id: The replay's id.
        fingerprint: The hash of the request.
        text: The request as JSON, from which the engine resumes after a restart.
        bars_per_second: The pace, None for as fast as possible.
        accounts: What each account trades.
    """

    id: str
    fingerprint: str
    text: str = field(repr=False)
    bars_per_second: float | None
    accounts: tuple[ReplayAccountConfig, ...]


def read_replay(body: BinaryIO) -> ReadReplay:
    """Return the replay that a body of JSON asks for.

    Raises:
        MalformedJson: The body is not JSON, or exceeds a limit of it.
        ValidationError: It is not a ReplayRequest.
        ValidationFailed: Bars, strategy or parameters of an account are not allowed; the message names it.
    """
    request = ReplayRequest.model_validate(json_body.parse(body.read(), MAX_VALUES))
    configs = tuple(_config(account) for account in request.accounts)
    text = request.model_dump_json()
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    return ReadReplay(request.id, fingerprint, text, request.bars_per_second, configs)


def build_replay(read: ReadReplay, engine: str, clock: Clock) -> Replay:
    """Return the replay of a request, before its first step.

    Args:
        read: Accounts, bars and strategies.
        engine: The engine's name, in every event.
        clock: Measures execution times.

    Raises:
        ValidationFailed: The size of an account is not allowed, or two have one name; the message names it.
    """
    return Replay([_account(read.id, config, engine, clock) for config in read.accounts])


def _account(replay: str, config: ReplayAccountConfig, engine: str, clock: Clock) -> ReplayAccount:
    try:
        return ReplayAccount(config, replay, engine, clock)
    except ValidationFailed as error:
        raise _of_account(config.account, error) from error


def _config(request: ReplayAccountRequest) -> ReplayAccountConfig:
    try:
        registry.get(request.strategy).parse(request.params)
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
    except ValidationFailed as error:
        raise _of_account(request.account, error) from error


def _of_account(account: str, error: ValidationFailed) -> ValidationFailed:
    return ValidationFailed(f"account {account!r}: {error.detail}", errors=error.errors)
