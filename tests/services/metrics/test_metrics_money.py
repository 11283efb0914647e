"""Money through the public routes: transfers, currencies, environments, accounts without marks, late events."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from tests.services.metrics.metrics_client import START, MetricsClient, open_service
from tests.unit.metrics import oracle
from tests.unit.metrics.oracle import Report

from seatrial_core.clock import ManualClock

SENT: list[int] = [0]


def event(type_: str, seconds: float = 0, *, at: datetime = START, **fields: Any) -> dict[str, Any]:
    """Return an event some seconds after an instant, with a unique id."""
    SENT[0] += 1
    occurred_at = (at + timedelta(seconds=seconds)).isoformat()
    return {"id": f"e{SENT[0]}", "type": type_, "occurred_at": occurred_at, "account": "a", **fields}


def opening(balance: object, seconds: float = 0, **fields: Any) -> dict[str, Any]:
    """Return an opening balance."""
    return event("account", seconds, opening_balance=str(balance), **fields)


def equity(value: object, seconds: float = 0, **fields: Any) -> dict[str, Any]:
    """Return a mark to market."""
    return event("equity", seconds, equity=str(value), **fields)


def transfer(amount: object, seconds: float = 0, **fields: Any) -> dict[str, Any]:
    """Return a deposit or a withdrawal."""
    return event("transfer", seconds, amount=str(amount), **fields)


def closed(pnl: object, seconds: float = 0, **fields: Any) -> dict[str, Any]:
    """Return a closing trade."""
    return event("trade", seconds, side="SELL", strategy="rsi", pnl=str(pnl), **fields)


async def figures(client: MetricsClient, **params: Any) -> dict[str, Any]:
    """Return the figures of the portfolio."""
    metrics: dict[str, Any] = (await client.get("/v1/performance", **params))["metrics"]
    return metrics


async def test_deposit_hides_no_drawdown_and_is_no_profit(client: MetricsClient) -> None:
    await client.push(opening(10_000), equity(8_500, 1), transfer(5_000, 2))

    page, values = await client.page(), await figures(client)

    assert values["equity"] == 13_500
    assert values["pnl"] == page["current_pnl"] == page["daily_pnl"] == -1_500
    assert values["drawdown_ratio"] == pytest.approx(0.15, abs=1e-15)
    assert page["max_drawdown_percent"] == pytest.approx(15, abs=1e-12)


async def test_withdrawal_is_no_loss(client: MetricsClient) -> None:
    await client.push(opening(10_000), equity(10_000, 1), transfer(-5_000, 2), equity(5_000, 3))

    values = await figures(client)

    assert [values["pnl"], values["drawdown_ratio"], values["session_loss_ratio"]] == [0, 0, 0]


async def test_bot_that_only_reports_trades_has_a_drawdown(client: MetricsClient) -> None:
    await client.push(opening(10_000), closed(-2_000, 1), closed(-1_000, 2))

    performance = await client.get("/v1/performance")

    assert performance["metrics"]["equity"] == 7_000
    assert performance["metrics"]["drawdown_ratio"] == pytest.approx(0.3)
    assert performance["metrics"]["derived_accounts"] == 1
    assert performance["accounts"][0]["equity_source"] == "closed_trades"


async def test_fees_and_funding_change_derived_equity(client: MetricsClient) -> None:
    await client.push(opening(1_000), event("fee", 1, amount="2.5"), event("funding", 2, amount="-1"))
    await client.push(event("fee", 3, amount="-0.5"))

    assert (await figures(client))["equity"] == 997


async def test_no_partial_sum_is_shown(client: MetricsClient) -> None:
    await client.push(equity(5, account="known"), closed(-2_500, 1, account="bot2"), closed(-20, 2, account="bot3"))

    performance, page = await client.get("/v1/performance"), await client.page()

    assert performance["metrics"]["equity"] is None
    assert performance["undefined"]["equity"].startswith(
        "the equity of bot2, bot3 is unknown: send its opening balance"
    )
    assert not [name for name in page if name.startswith("trading_portfolio_equity{")]
    assert "max_drawdown_percent" not in page
    assert page["current_pnl"] == performance["metrics"]["pnl"] == -2_520


async def test_account_that_only_fills_orders_is_not_left_out(client: MetricsClient) -> None:
    buy = event("trade", 1, side="BUY", strategy="rsi", account="filler")
    await client.push(equity(5, account="known"), buy)

    assert (await figures(client))["equity"] is None


async def test_telemetry_of_an_account_hides_no_figure(client: MetricsClient) -> None:
    await client.push(equity(5, account="known"), event("heartbeat", 1, account="default"))

    assert (await figures(client))["equity"] == 5


async def test_currencies_are_never_summed_without_a_rate(client: MetricsClient) -> None:
    btc = opening(100, account="b", currency="BTC")
    jpy = opening(900_000, account="j", currency="JPY")
    await client.push(btc, jpy, equity(100, 1, account="b"), equity(900_000, 1, account="j"))

    performance, page = await client.get("/v1/performance"), await client.page()

    assert performance["metrics"]["equity"] is None
    assert performance["undefined"]["equity"] == "no current rate of BTC, JPY in USD: send `fx_rate` events"
    assert performance["unconverted"] == {"BTC": 100, "JPY": 900_000}
    assert not [name for name in page if name.startswith("trading_portfolio_equity{")]
    assert [row["metrics"]["equity"] for row in performance["accounts"]] == [100, 900_000]


async def test_rates_convert_the_portfolio_until_they_are_too_old(database_url: str, clock: ManualClock) -> None:
    async with open_service(database_url, clock, currency="USD", fx_max_age_seconds=60) as client:
        await client.push(
            event("fx_rate", 0, base="BTC", quote="USD", rate="50000", source="venue"),
            opening(2, 1, account="b", currency="BTC"),
            opening(1_000, 1, account="u"),
            equity("1.5", 2, account="b"),
            equity(1_000, 2, account="u"),
        )
        values = await figures(client)
        clock.advance(61)
        performance = await client.get("/v1/performance")

    assert values["equity"] == 76_000
    assert values["pnl"] == -25_000
    assert values["drawdown_ratio"] == pytest.approx(25_000 / 101_000)
    assert performance["metrics"]["equity"] is None
    assert performance["unconverted"] == {"BTC": 1.5}


async def test_rate_that_came_before_the_account_converts_it(database_url: str, clock: ManualClock) -> None:
    async with open_service(database_url, clock, currency="USD") as client:
        for price in ("40000", "50000"):
            await client.push(event("fx_rate", base="BTC", quote="USD", rate=price))
            await client.push(event("fx_rate", base="NOISE", quote="USD", rate=price))
            clock.advance(1)
        await client.push(opening(1_000, 1, account="u"), equity(1_000, 2, account="u"))
        await client.push(opening(2, 2, account="b", currency="BTC"))
        before = await figures(client)
        await client.push(equity(900, 1.5, account="u"))  # late: everything from then on is calculated again

        assert before["equity"] == (await figures(client))["equity"] == 101_000
        assert (await client.get("/v1/performance"))["unconverted"] == {}


async def test_opening_can_be_corrected_at_its_instant(client: MetricsClient, clock: ManualClock) -> None:
    clock.advance(5)
    await client.push(opening(1), equity(90, 1))

    await client.push(opening(100))

    assert (await figures(client))["pnl"] == -10


async def test_accounts_of_one_currency_need_no_rate(client: MetricsClient) -> None:
    await client.push(opening(5, account="a", currency="EUR"), opening(6, account="b", currency="EUR"))

    performance = await client.get("/v1/performance")

    assert [performance["metrics"]["equity"], performance["currency"]] == [11, "EUR"]


async def test_second_currency_restates_the_portfolio(client: MetricsClient) -> None:
    await client.push(opening(5, account="a", currency="EUR"), equity(6, 1, account="a"))
    await client.push(event("fx_rate", 0, base="EUR", quote="USD", rate="1.5"))

    await client.push(opening(10, 2, account="b", currency="USD"))

    performance = await client.get("/v1/performance")
    assert performance["currency"] == "USD"
    assert performance["metrics"]["equity"] == 19
    assert performance["metrics"]["pnl"] == 1.5


async def test_guides_metrics_show_one_environment(client: MetricsClient) -> None:
    await client.push(equity(100, environment="paper"), closed(-7, 1, environment="paper"))
    paper = await client.page()
    await client.push(equity(50, environment="live"))
    live = await client.page()

    assert paper['trading_portfolio_equity{currency="USD",environment="paper"}'] == 100
    assert paper['trades_total{side="SELL",status="filled",strategy="rsi"}'] == 1
    assert live['trading_portfolio_equity{currency="USD",environment="live"}'] == 50
    assert live["current_pnl"] == 0
    assert 'trades_total{side="SELL",status="filled",strategy="rsi"}' not in live


async def test_headline_can_be_configured(database_url: str, clock: ManualClock) -> None:
    async with open_service(database_url, clock, headline="paper") as client:
        await client.push(equity(100, environment="paper"), equity(50, environment="live"))

        performance = await client.get("/v1/performance")

        assert (await client.page())["current_pnl"] == 0
        assert performance["environment"] == ["paper"]


async def test_late_events_of_one_account_never_hide_the_loss_of_another(
    client: MetricsClient, clock: ManualClock
) -> None:
    clock.advance(100)
    await client.push(equity(1_000, account="x"), equity(1_000, account="y"), equity(500, 100, account="x"))
    clock.advance(3)
    assert (await figures(client))["drawdown_ratio"] == 0.25

    for second in range(10, 40, 3):
        await client.push(equity(1_000, second, account="y"))
        clock.advance(1.5)

        values = await figures(client)
        assert [values["equity"], values["drawdown_ratio"]] == [1_500, 0.25]


async def test_loss_of_24_hours_is_not_forgotten_at_midnight(client: MetricsClient, clock: ManualClock) -> None:
    midnight = 12 * 3600
    clock.advance(midnight + 60)
    await client.push(opening(10_000), equity(9_600, midnight - 60), transfer(5_000, midnight - 30))
    await client.push(equity(14_000, midnight + 60))

    values = await figures(client)
    assert values["session_loss_ratio"] == pytest.approx(1 - 14_000 / 14_600)
    assert values["rolling_loss_ratio"] == pytest.approx(1 - 0.96 * 14_000 / 14_600)

    clock.advance(24 * 3600 - 61)
    assert (await figures(client))["rolling_loss_ratio"] == pytest.approx(1 - 14_000 / 14_600)
    assert (await client.get("/v1/performance"))["accounts"][0]["metrics"]["rolling_loss_ratio"] > 0.04


async def test_session_of_an_account_begins_in_its_zone(client: MetricsClient, clock: ManualClock) -> None:
    clock.advance(60)
    await client.push(opening(100, session_zone="America/New_York"), equity(90, 60))
    clock.advance(16 * 3600)  # 04:01 UTC is still the evening before in New York

    account = (await client.get("/v1/performance"))["accounts"][0]
    assert account["metrics"]["session_pnl"] == -10

    clock.advance(3600)
    account = (await client.get("/v1/performance"))["accounts"][0]
    assert account["metrics"]["session_pnl"] == 0


async def test_session_of_the_portfolio_begins_in_the_configured_zone(database_url: str, clock: ManualClock) -> None:
    async with open_service(database_url, clock) as client:
        clock.advance(60)
        await client.push(equity(100), equity(90, 60))
    clock.advance(16 * 3600)
    async with open_service(database_url, clock, session_zone="America/New_York") as client:
        await client.push(equity(80, 16 * 3600))

        assert (await figures(client))["session_pnl"] == -20


async def test_unknown_zone_is_refused(client: MetricsClient) -> None:
    body = await client.push(opening(100, session_zone="Mars/Olympus"))

    assert body["rejected"][0]["detail"].startswith("`session_zone` was 'Mars/Olympus'")


@pytest.mark.parametrize("replicas", [1, 2])
async def test_long_past_is_restated_in_the_background(replicas: int, database_url: str, clock: ManualClock) -> None:
    random = Random(replicas)
    reports = [
        Report(name, START - timedelta(minutes=step), "mark", Decimal(random.randrange(800, 1_200)))
        for step in range(700)
        for name in ("x", "y")
    ]
    late = [Report("x", START - timedelta(minutes=650, seconds=30), "flow", Decimal(300))]
    late += [
        Report("y", START - timedelta(minutes=640, seconds=step), "mark", Decimal(2_000 + step)) for step in (1, 2)
    ]
    expected = oracle.portfolio([*reports, *late], {})
    assert expected is not None

    async with open_service(database_url, clock) as client:
        await client.push(*map(pushed, sorted(reports, key=lambda report: report.at)))
        before = await figures(client)
        await client.push(*map(pushed, late))
        during = await client.get("/v1/performance")
        if replicas == 2:
            async with open_service(database_url, clock) as other:
                await restated(other)
        await restated(client)
        after = await figures(client)
        points = (await client.get("/v1/equity", limit=5_000))["items"]

    assert during["restating_since"] is not None
    assert during["metrics"]["equity"] == before["equity"] == after["equity"] == float(expected.equity)
    assert after["pnl"] == float(expected.equity - expected.base)
    assert after["high_water_mark"] == pytest.approx(float(expected.peak), rel=1e-12)
    assert after["max_drawdown_ratio"] == pytest.approx(float(expected.max_drawdown_ratio), rel=1e-12)
    assert [point["equity"] for point in points] == [float(value) for _, value in expected.series]


def pushed(report: Report) -> dict[str, Any]:
    """Return the event of a report."""
    if report.kind == "mark":
        return equity(report.amount, at=report.at, account=report.account)
    return transfer(report.amount, at=report.at, account=report.account)


async def restated(client: MetricsClient) -> None:
    """Wait until no restatement waits."""
    for _ in range(400):
        if (await client.get("/v1/performance"))["restating_since"] is None:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the restatement did not end within 20 s")
