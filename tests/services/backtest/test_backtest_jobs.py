"""Backtests as jobs: submitted, run once, stored once, served again, cancelled."""

import numpy as np
import psycopg
from tests.services.backtest.backtest_door import Door, columns

from seatrial_backtesting.data.loader import load
from seatrial_backtesting.run import run
from seatrial_backtesting.strategy_ref import resolve_strategy


async def test_a_job_runs_to_the_result_that_python_gives_too(door: Door) -> None:
    dataset = await door.dataset(bars=600)
    job = await door.start(dataset=dataset, strategy="rsi_bollinger", params={"rsi_below": 45})

    ended = await door.ended(job["id"])
    result = await door.result(job["id"])

    candles = load(columns(600)).candles
    named = candles.__class__.from_columns("TEST", candles.to_columns())
    expected = run(named, resolve_strategy("rsi_bollinger", {"rsi_below": 45}))
    assert ended["status"] == "succeeded"
    assert ended["progress_ratio"] == 1.0
    assert ended["attempts"] == 1
    assert result["schema"] == 1
    assert len(result["equity"]["value"]) == 601
    assert result["trades"] == expected["trades"]
    assert len(result["trades"]) > 3
    assert result["manifest"]["sha256"] == expected["manifest"]["sha256"]


async def test_an_identical_request_is_the_same_finished_job(door: Door, database_url: str) -> None:
    dataset = await door.dataset()
    first = await door.start(dataset=dataset, strategy="sma_cross")
    await door.ended(first["id"])

    again = await door.start(dataset=dataset, strategy="sma_cross", fee=0.001, params={"fast": 10})
    other = await door.start(dataset=dataset, strategy="sma_cross", fee=0.0)

    assert again["id"] == first["id"]
    assert again["status"] == "succeeded"
    assert other["id"] != first["id"]
    await door.ended(other["id"])
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT attempts FROM backtest.jobs WHERE id = %s", [first["id"]]).fetchall()
        queued = connection.execute("SELECT count(*) FROM backtest.procrastinate_jobs").fetchone()
    assert rows == [(1,)]
    assert queued == (0,)


async def test_many_jobs_are_all_done_once(door: Door, database_url: str) -> None:
    dataset = await door.dataset()
    jobs = [
        await door.start(dataset=dataset, strategy="sma_cross", params={"fast": fast, "slow": fast + 10})
        for fast in range(2, 22)
    ]

    ended = [await door.ended(job["id"]) for job in jobs]

    with psycopg.connect(database_url) as connection:
        stored = connection.execute("SELECT count(*) FROM backtest.results").fetchone()
    assert {job["status"] for job in ended} == {"succeeded"}
    assert {job["attempts"] for job in ended} == {1}
    assert stored == (20,)


async def test_rules_run_as_named_strategies_do(door: Door) -> None:
    dataset = await door.dataset()
    rules = {
        "version": 1,
        "indicators": {"r": {"fn": "rsi", "n": 14}},
        "entry": {"lt": ["r", {"param": "low", "default": 40, "range": [10, 60, 5]}]},
        "stop_loss": {"ratio": 0.02},
        "take_profit": {"ratio": 0.04},
    }

    job = await door.start(dataset=dataset, rules=rules)
    ended = await door.ended(job["id"])

    assert ended["status"] == "succeeded", ended["error"]
    assert (await door.result(job["id"]))["metrics"]["total_trades"] > 0


async def test_work_continues_after_every_connection_was_closed(door: Door, database_url: str) -> None:
    dataset = await door.dataset()
    first = await door.start(dataset=dataset, strategy="sma_cross")
    await door.ended(first["id"])

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    second = await door.start(dataset=dataset, strategy="macd")

    assert (await door.ended(second["id"]))["status"] == "succeeded"


async def test_a_result_that_is_not_there_says_why(door: Door) -> None:
    missing = await door.http.get(f"/v1/backtests/{'0' * 64}/result")
    unknown = await door.http.post("/v1/backtests", json={"dataset": "0" * 64, "strategy": "macd"})

    assert missing.status_code == 404
    assert "POST /v1/backtests" in missing.json()["detail"]
    assert unknown.status_code == 404
    assert "POST /v1/datasets" in unknown.json()["detail"]


async def test_the_same_bars_are_one_dataset_as_json_and_as_csv(door: Door) -> None:
    rows = columns(50)
    lines = ["timestamp,open,high,low,close,volume"]
    lines += [",".join(repr(rows[name][i]) for name in rows) for i in range(50)]

    first = await door.dataset(bars=50)
    response = await door.http.post(
        "/v1/datasets",
        content="\n".join(lines),
        headers={"content-type": "text/csv; charset=utf-8"},
        params={"symbol": "TEST"},
    )

    assert response.status_code == 201, response.text
    assert response.json()["id"] == first
    assert response.json()["bars"] == 50
    assert response.json()["first_at"] == "2000-03-01T00:00:00Z"
    listed = (await door.http.get("/v1/datasets")).json()["items"]
    assert [item["id"] for item in listed] == [first]


async def test_bad_bars_are_refused_row_by_row(door: Door) -> None:
    rows = columns(20)
    rows["low"][7] = rows["high"][7] * 2
    rows["close"][9] = -1.0

    response = await door.http.post("/v1/datasets", json={"symbol": "TEST", "candles": rows})
    dropped = await door.http.post(
        "/v1/datasets", json={"symbol": "TEST", "candles": rows}, params={"on_bad_bar": "drop"}
    )

    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["row 7", "row 9"]
    assert dropped.status_code == 201, dropped.text
    assert dropped.json()["bars"] == 18
    assert dropped.json()["data_quality"]["dropped"] == 2


async def test_lists_go_on_at_the_cursor(door: Door) -> None:
    ids = [await door.dataset(bars=30, seed=seed) for seed in range(5)]

    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2"} | ({} if cursor is None else {"cursor": cursor})
        page = (await door.http.get("/v1/datasets", params=params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == ids[::-1]


async def test_strategies_and_the_rule_schema_are_published(door: Door) -> None:
    strategies = (await door.http.get("/v1/strategies")).json()["items"]
    schema = (await door.http.get("/v1/schema/rules")).json()

    by_name = {item["name"]: item for item in strategies}
    assert {"rsi_bollinger", "sma_cross", "macd", "donchian_breakout", "buy_and_hold"} <= set(by_name)
    assert by_name["sma_cross"]["params"]["properties"]["fast"]["maximum"] == 5000
    assert "entry" in schema["required"]


async def test_progress_and_health_are_answered(door: Door) -> None:
    assert (await door.http.get("/health/ready")).status_code == 200
    page = (await door.http.get("/metrics")).text
    assert 'backtest_jobs_total{status="succeeded"} 0.0' in page
    assert np.isfinite(float(page.split("backtest_job_seconds_count ")[1].split("\n")[0]))


async def test_bars_of_a_shorter_interval_are_walked_and_part_of_the_identity(door: Door) -> None:
    coarse = await door.dataset(bars=300)
    days = columns(300)
    # Each day is two halves: the first goes to the high, the second to the low.
    halves = {"time": [time + shift for time in days["time"] for shift in (0, 43_200_000)]}
    pairs = [
        ((o, h, min(o, c), o), (o, max(o, c), low, c))
        for o, h, low, c in zip(days["open"], days["high"], days["low"], days["close"], strict=True)
    ]
    for position, name in enumerate(("open", "high", "low", "close")):
        halves[name] = [half[position] for pair in pairs for half in pair]
    answer = await door.http.post("/v1/datasets", json={"symbol": "TEST", "candles": halves})
    finer = answer.json()["id"]
    request = {"dataset": coarse, "strategy": "rsi_bollinger", "params": {"rsi_below": 60}}

    magnified = await door.start(**request, intrabar="magnify", finer_dataset=finer)
    plain = await door.start(**request)
    await door.ended(magnified["id"])
    result = await door.result(magnified["id"])
    swapped = await door.http.post(
        "/v1/backtests", json={**request, "dataset": finer, "intrabar": "magnify", "finer_dataset": coarse}
    )

    assert magnified["id"] != plain["id"]
    assert result["assumptions"]["finer_interval_ms"] == 43_200_000
    assert result["manifest"]["finer"]["sha256"] == finer
    assert result["bounds"]["magnified_bars"] > 0
    assert result["data_quality"]["finer"]["bars"] == 600
    assert swapped.json()["errors"][0]["field"] == "finer_dataset"
    await door.ended(plain["id"])
