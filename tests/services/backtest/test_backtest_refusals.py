"""What the service refuses: hostile strategy strings, impossible settings, oversized and malformed bodies."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.services.backtest.backtest_door import Door, open_service

HOSTILE = [
    "X:cHJpbnQoMSk=",
    "rsi_bollinger:cHJpbnQoMSk=",
    "../../etc/passwd",
    "..",
    "/etc/passwd",
    "file:///etc/passwd",
    "os.system",
    "os",
    "subprocess",
    "builtins",
    "__import__",
    "__import__('os').system('id')",
    "__class__",
    "rsi_bollinger.__class__",
    "rsi_bollinger\n",
    "rsi_bollinger\x00",
    " rsi_bollinger",
    "RSI_BOLLINGER",
    "eval",
    "exec",
    "lambda: 1",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "$(id)",
    "`id`",
    "; rm -rf /",
    "' OR 1=1 --",
    "!!python/object/apply:os.system ['id']",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "seatrial_trading.strategy.registry",
    "importlib.import_module",
    "pickle",
    "cos\nsystem\n(S'id'\ntR.",
    "a" * 65,
    "a" * 100_000,
    "é",
    "٠",
    "",
    "unknown_strategy",
]


@pytest.fixture
def audited() -> Iterator[list[str]]:
    """Collect the imports, opened files, processes and code that this process asks for."""
    seen: list[str] = []
    watching = [True]
    watched = ("import", "open", "os.system", "subprocess.Popen", "exec", "compile", "socket.connect")

    def hook(event: str, arguments: Any) -> None:
        if watching[0] and event in watched:
            seen.append(f"{event} {arguments[:1]!r}"[:300])

    sys.addaudithook(hook)
    yield seen
    watching[0] = False


async def test_forty_hostile_strategy_names_are_refused_and_reach_nothing(door: Door, audited: list[str]) -> None:
    dataset = await door.dataset(bars=30)
    await door.http.post("/v1/backtests", json={"dataset": dataset, "strategy": "warm_up"})
    audited.clear()

    answers = [await door.http.post("/v1/backtests", json={"dataset": dataset, "strategy": name}) for name in HOSTILE]

    assert len(HOSTILE) == 40
    assert {answer.status_code for answer in answers} == {422}
    assert all(answer.json()["errors"][0]["field"] == "strategy" for answer in answers)
    # The test's own HTTP client imports sniffio again and again; the database is connected to.
    harmless = ("import ('sniffio'", "socket.connect")
    assert [entry for entry in audited if not entry.startswith(harmless)] == []
    assert (await door.http.get("/v1/backtests")).json()["items"] == []


async def test_an_unknown_name_is_refused_with_the_registered_ones(door: Door) -> None:
    dataset = await door.dataset(bars=30)

    response = await door.http.post("/v1/backtests", json={"dataset": dataset, "strategy": "rsi"})

    assert response.status_code == 422
    assert response.json()["code"] == "unknown_strategy"
    assert "rsi_bollinger" in response.json()["detail"]


@pytest.mark.parametrize(
    ("request_part", "field"),
    [
        ({"strategy": "macd", "params": {"fast": 0}}, "params.fast"),
        ({"strategy": "macd", "params": {"quick": 3}}, "params.quick"),
        ({"strategy": "macd", "fee": 2}, "fee"),
        ({"strategy": "macd", "cash": -1}, "cash"),
        ({"strategy": "macd", "size": "all"}, "size"),
        ({"strategy": "macd", "intrabar": "magnify"}, "intrabar"),
        ({"strategy": "macd", "finer_dataset": "0" * 64}, "intrabar"),
        ({"strategy": "macd", "intrabar": "lucky"}, "intrabar"),
        ({"strategy": "macd", "session": "night"}, "session"),
        ({"strategy": "macd", "surprise": 1}, "surprise"),
        ({"strategy": "macd", "rules": {"version": 1}}, "strategy"),
        ({}, "strategy"),
    ],
)
async def test_a_bad_value_is_named_with_what_is_allowed(door: Door, request_part: dict[str, Any], field: str) -> None:
    dataset = await door.dataset(bars=30)

    response = await door.http.post("/v1/backtests", json={"dataset": dataset, **request_part})

    assert response.status_code == 422
    error = response.json()["errors"][0]
    assert error["field"] == field
    assert error["allowed"]


async def test_bodies_that_are_too_big_or_no_json_are_refused(database_url: str) -> None:
    async with open_service(database_url, upload_bytes=2_000) as door:
        big = await door.http.post("/v1/datasets", content=b"x" * 3_000, headers={"content-type": "text/csv"})
        broken = await door.http.post("/v1/datasets", content=b"{", headers={"content-type": "application/json"})
        no_bars = await door.http.post("/v1/datasets", content=b"a,b\n", headers={"content-type": "text/csv"})
        zipped = await door.http.post("/v1/datasets", content=b"\x1f\x8b00", headers={"content-type": "text/csv"})

    assert big.status_code == 413
    assert broken.status_code == 400
    assert no_bars.status_code == 422
    assert "open, high, low, close" in no_bars.json()["detail"]
    assert zipped.status_code == 422


async def test_a_path_in_the_body_is_never_opened(door: Door, audited: list[str]) -> None:
    audited.clear()

    response = await door.http.post("/v1/datasets", content=b"/etc/passwd", headers={"content-type": "text/csv"})

    assert response.status_code == 422
    assert not [entry for entry in audited if "passwd" in entry]


async def test_tokens_need_the_scope(database_url: str) -> None:
    reader, runner = "reader-token-0123456789", "runner-token-0123456789"
    async with open_service(database_url, tokens=f"{reader}=backtest:read;{runner}=backtest:run,backtest:read") as door:
        body = {"dataset": "0" * 64, "strategy": "macd"}
        anonymous = await door.http.get("/v1/strategies")
        read = await door.http.get("/v1/strategies", headers={"authorization": f"Bearer {reader}"})
        refused = await door.http.post("/v1/backtests", json=body, headers={"authorization": f"Bearer {reader}"})
        allowed = await door.http.post("/v1/backtests", json=body, headers={"authorization": f"Bearer {runner}"})

    assert (anonymous.status_code, read.status_code) == (401, 200)
    assert refused.status_code == 403
    assert "backtest:run" in refused.json()["detail"]
    assert allowed.status_code == 404


async def test_jobs_beyond_the_longest_queue_are_refused(database_url: str) -> None:
    async with open_service(database_url, max_queued=2, workers=1) as door:
        dataset = await door.dataset()
        asked = [{"dataset": dataset, "strategy": "sma_cross", "seed": seed} for seed in range(30)]
        answers = [await door.http.post("/v1/backtests", json=request) for request in asked]

    assert {answer.status_code for answer in answers} == {202, 429}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert "2 backtests are waiting" in refused.json()["detail"]
