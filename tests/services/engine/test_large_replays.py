"""Replays of 30 MB, valid and not, leave the event loop of the engine free, also when they are resumed."""

import json
from typing import Any

import numpy as np
import pytest
from tests.services.engine.engine_door import EngineDoor, open_engine
from tests.support.fake_ledger import FakeLedger
from tests.support.loop_times import measured_loop
from tests.support.waiting import wait_until_async

MEGABYTE = 1 << 20
MINUTE_MS = 60_000
BARS = 500_000
# In the loop the same replay took 2.6 s at a time. On a busy machine another process may hold the loop too.
MAX_STALL_SECONDS = 0.6
MAX_MEDIAN_SECONDS = 0.02
HOSTILE = {
    "nested": b"[" * (31 * MEGABYTE),
    "numbers": b'{"id":"x","accounts":[' + b"1," * (15 * MEGABYTE) + b"1]}",
    "text": b'{"id":["' + b'\\"' * (15 * MEGABYTE) + b'"]}',
    "keys": b'{"id":"x","accounts":[{' + b",".join(b'"%d":1' % key for key in range(1_900_000)) + b"}]}",
}


def long_replay(**fields: Any) -> bytes:
    """Return a request of 30 MB."""
    prices = np.round(100 + np.sin(np.arange(BARS)) * 3, 6)
    columns = {
        "time": [bar * MINUTE_MS for bar in range(BARS)],
        "open": prices.tolist(),
        "high": (prices + 1).tolist(),
        "low": (prices - 1).tolist(),
        "close": prices.tolist(),
        "volume": [1.0] * BARS,
    }
    account = {"account": "a", "symbol": "A", "strategy": "sma_cross", "candles": columns, **fields}
    return json.dumps({"id": "long", "accounts": [account], "bars_per_second": 50}).encode()


async def post(engine: EngineDoor, body: bytes) -> int:
    """Return the status of a replay's request."""
    headers = {"Content-Type": "application/json"}
    return (await engine.http.post("/v1/replays", content=body, headers=headers)).status_code


async def test_large_replay_holds_the_loop_neither_at_its_start_nor_when_it_resumes(
    database_url: str, ledger: FakeLedger
) -> None:
    async with open_engine(database_url, ledger.url) as engine:
        body = long_replay()
        async with measured_loop() as loop:
            assert await post(engine, body) == 202
        assert (loop.longest < MAX_STALL_SECONDS, loop.median < MAX_MEDIAN_SECONDS) == (True, True), loop.longest
        await _advances(engine, 0)
        before = (await engine.get("/v1/replays/long"))["steps_done"]
    async with measured_loop() as loop, open_engine(database_url, ledger.url) as engine:
        await _advances(engine, before)
    assert (loop.longest < MAX_STALL_SECONDS, loop.median < MAX_MEDIAN_SECONDS) == (True, True), loop.longest


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_replay_is_refused_outside_the_loop(engine: EngineDoor, name: str) -> None:
    async with measured_loop() as loop:
        status = await post(engine, HOSTILE[name])

    assert status in {400, 413, 422}
    assert (loop.longest < MAX_STALL_SECONDS, loop.median < MAX_MEDIAN_SECONDS) == (True, True), loop.longest


async def test_large_replay_with_an_unknown_strategy_names_the_account(engine: EngineDoor) -> None:
    response = await engine.http.post(
        "/v1/replays", content=long_replay(strategy="no_such"), headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 422
    assert "account 'a'" in response.json()["detail"]


async def _advances(engine: EngineDoor, beyond: int) -> None:
    async def has_advanced() -> bool:
        return bool((await engine.get("/v1/replays/long"))["steps_done"] > beyond)

    await wait_until_async(has_advanced, 60)
