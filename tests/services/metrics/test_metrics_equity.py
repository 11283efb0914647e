"""Figures are those of the oracle in any order, with any repetition and any batches."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from tests.services.metrics.metrics_client import START, MetricsClient, open_service
from tests.unit.metrics import oracle
from tests.unit.metrics.oracle import Opening, Report

from seatrial_core.clock import ManualClock

FIRST = datetime(2001, 3, 1, tzinfo=UTC)


def equity(account: str, at: datetime, value: object, **fields: Any) -> dict[str, Any]:
    """Return an equity event on event time."""
    return {
        "id": f"{account}-{at.isoformat()}",
        "type": "equity",
        "environment": "replay",
        "account": account,
        "occurred_at": at.isoformat(),
        "equity": str(value),
        **fields,
    }


def opening(account: str, balance: object) -> dict[str, Any]:
    """Return the opening of an account."""
    return {
        "id": f"open-{account}",
        "type": "account",
        "environment": "replay",
        "account": account,
        "occurred_at": FIRST.isoformat(),
        "opening_balance": str(balance),
    }


def stream(random: Random) -> tuple[list[Report], dict[str, Opening], list[dict[str, Any]]]:
    """Return what accounts report, their openings, and the events of both; account d is never marked to market."""
    reports: list[Report] = []
    events: list[dict[str, Any]] = []
    for step in range(40):
        at = FIRST + timedelta(hours=7 * step)
        for name in ("a", "b", "c", "d"):
            if random.randrange(4) and (name != "c" or step > 15):
                value = (Decimal(random.randrange(5_000, 15_000)) / 7).quantize(Decimal("1e-12"))
                if name != "d":
                    reports.append(Report(name, at, "mark", value))
                    events.append(equity(name, at, value))
                pnl = random.choice(["5.5", "-3.25", "0"])
                reports.append(Report(name, at, "result", Decimal(pnl)))
                events.append({**trade(name, at), "pnl": pnl})
            if not random.randrange(9):
                amount = Decimal(random.randrange(-400, 900))
                reports.append(Report(name, at, "flow", amount))
                events.append(transfer(name, at, amount))
    balances = {"a": Decimal(10_000) / 7, "c": Decimal(900), "d": Decimal(2_000)}
    openings = {name: Opening(FIRST, balance.quantize(Decimal("1e-12"))) for name, balance in balances.items()}
    events += [opening(name, balance) for name, (_, balance) in openings.items()]
    return reports, openings, events


def transfer(account: str, at: datetime, amount: object) -> dict[str, Any]:
    """Return a deposit, or a withdrawal."""
    return {
        "id": f"transfer-{account}-{at.isoformat()}",
        "type": "transfer",
        "environment": "replay",
        "account": account,
        "occurred_at": at.isoformat(),
        "amount": str(amount),
    }


def trade(account: str, at: datetime) -> dict[str, Any]:
    """Return a closing trade of an account."""
    return {
        "id": f"trade-{account}-{at.isoformat()}",
        "trade_id": f"{account}-{at.isoformat()}",
        "type": "trade",
        "environment": "replay",
        "account": account,
        "occurred_at": at.isoformat(),
        "strategy": "rsi",
        "side": "SELL",
    }


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_and_repetition_gives_the_oracles_figures(
    seed: int, database_url: str, clock: ManualClock
) -> None:
    random = Random(seed)
    reports, openings, events = stream(random)
    sent = events + random.sample(events, len(events) // 3)
    random.shuffle(sent)
    expected = oracle.portfolio(reports, openings)
    assert expected is not None

    remaining = sent
    while remaining:
        cut = random.randrange(1, 60)
        async with open_service(database_url, clock) as client:  # every batch meets a service that has just started
            await client.push(*remaining[:cut])
        remaining = remaining[cut:]

    async with open_service(database_url, clock) as client:
        clock.advance(5)
        performance = await client.get("/v1/performance", environment="replay")
        history = await client.get("/v1/equity", environment="replay")
        page = await client.page()
    figures = performance["metrics"]
    assert figures["equity"] == float(expected.equity)
    assert figures["high_water_mark"] == pytest.approx(float(expected.peak), rel=1e-14)
    assert figures["max_drawdown_ratio"] == pytest.approx(float(expected.max_drawdown_ratio), rel=1e-12)
    assert figures["pnl"] == float(expected.equity - expected.base)
    assert figures["session_pnl"] == float(expected.equity - expected.session_start_equity)
    assert [point["equity"] for point in history["items"]] == [float(value) for _, value in expected.series]
    pnls = [Decimal(event["pnl"]) for event in events if "pnl" in event]
    assert figures["realised_pnl"] == float(sum(pnls))
    assert figures["wins"] == sum(pnl > 0 for pnl in pnls)
    assert page['trades_total{side="SELL",status="filled",strategy="rsi"}'] == len(pnls)


async def test_late_equity_raises_the_peak_but_is_not_the_current_value(client: MetricsClient) -> None:
    await client.push(equity("a", FIRST, 100), equity("a", FIRST + timedelta(days=2), 90))

    await client.push(equity("a", FIRST + timedelta(days=1), 120))

    performance = await client.get("/v1/performance")
    assert performance["metrics"]["equity"] == 90
    assert performance["metrics"]["high_water_mark"] == 120
    assert performance["metrics"]["max_drawdown_ratio"] == 0.25
    assert performance["accounts"][0]["late_events"] == 1


async def test_incomplete_instant_makes_no_drawdown(client: MetricsClient, clock: ManualClock) -> None:
    later = FIRST + timedelta(days=1)
    await client.push(equity("a", FIRST, 100), equity("b", FIRST, 100), equity("a", later, 50))
    half = await client.get("/v1/performance")

    await client.push(equity("b", later, 150))
    whole = await client.get("/v1/performance")

    assert half["metrics"]["drawdown_ratio"] == 0
    assert whole["metrics"]["equity"] == 200
    assert whole["metrics"]["max_drawdown_ratio"] == 0


async def test_incomplete_instant_counts_after_a_pause(client: MetricsClient, clock: ManualClock) -> None:
    later = FIRST + timedelta(days=1)
    await client.push(equity("a", FIRST, 100), equity("b", FIRST, 100), equity("a", later, 50))

    clock.advance(3)

    assert (await client.get("/v1/performance"))["metrics"]["drawdown_ratio"] == 0.25


async def test_stress_stays_out_of_the_headline(client: MetricsClient) -> None:
    await client.push(equity("a", FIRST, 100), equity("s", START, 5, environment="stress"))

    page = await client.page()
    assert page['trading_portfolio_equity{currency="USD",environment="replay"}'] == 100
    assert not [name for name in page if 'environment="stress"' in name]
    items = (await client.get("/v1/snapshot", environment="stress"))["items"]
    assert items[0]["values"]["equity"] == 5


async def test_day_without_marks_starts_at_the_last_equity(client: MetricsClient, clock: ManualClock) -> None:
    await client.push(
        equity("a", START - timedelta(days=1), 100, environment="live"),
        equity("a", START, 90, environment="live"),
    )
    assert (await client.page())["daily_pnl"] == -10

    clock.advance(86_400)
    await client.push({"id": "h", "type": "heartbeat", "occurred_at": clock.now().isoformat()})

    assert (await client.page())["daily_pnl"] == 0
