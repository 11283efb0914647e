"""The guide's metrics follow from the families with labels at every scrape, whatever has arrived."""

import math
import random
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.services.metrics.metrics_client import START, MetricsClient, open_service

from seatrial_core import catalog
from seatrial_core.clock import ManualClock

CURRENCIES = {"a": "USD", "b": "USD", "c": "JPY", "d": "BTC"}
ENVIRONMENTS = ("live", "paper")
# The guide's gauges, the family of portfolios each equals, and the factor between them.
SAME: list[tuple[catalog.Metric, catalog.Metric, float]] = [
    (catalog.CURRENT_PNL, catalog.MONEY_PNL.portfolio, 1),
    (catalog.DAILY_PNL, catalog.MONEY_SESSION_PNL.portfolio, 1),
    (catalog.OPEN_POSITIONS, catalog.MONEY_POSITIONS.portfolio, 1),
    (catalog.MAX_DRAWDOWN, catalog.MONEY_MAX_DRAWDOWN.portfolio, 100),
    (catalog.PORTFOLIO_RISK, catalog.MONEY_RISK.portfolio, 100),
]

Sampled = dict[str, list[tuple[dict[str, str], float]]]


async def scrape(client: MetricsClient) -> Sampled:
    """Return labels and values by sample name."""
    result: Sampled = {}
    for family in text_string_to_metric_families((await client.http.get("/metrics")).text):
        for sample in family.samples:
            result.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
    return result


def of(page: Sampled, name: str, **labels: str) -> list[float]:
    """Return the values of the samples with these labels."""
    return [value for shown, value in page.get(name, []) if labels.items() <= shown.items()]


def check_guide_follows_from_labels(page: Sampled, environment: str) -> None:
    """Assert that every metric of the guide is what the labelled families of its environment say."""
    for old, new, factor in SAME:
        expected = [value * factor for value in of(page, new.name, environment=environment)]
        assert of(page, old.name) == pytest.approx(expected, rel=1e-12), old.name
    for counted in ("trades_total", "trade_duration_seconds_count", "api_request_duration_seconds_bucket"):
        assert sum(of(page, counted)) == sum(of(page, f"trading_{counted}", environment=environment)), counted
    closed = sum(of(page, catalog.CLOSED_TRADES.name, environment=environment))
    won = sum(of(page, catalog.CLOSED_TRADES.name, environment=environment, outcome="win"))
    assert of(page, catalog.WIN_RATE.name) == ([] if not closed else [pytest.approx(100 * won / closed)])
    accounts = page.get(catalog.MONEY_PNL.account.name, [])
    own = [(labels["currency"], value) for labels, value in accounts if labels["environment"] == environment]
    total = of(page, catalog.CURRENT_PNL.name)
    if total and {currency for currency, _ in own} == {"USD"}:
        assert total == [pytest.approx(math.fsum(value for _, value in own))]


def random_event(random_source: random.Random, number: int) -> dict[str, Any]:
    """Return any event of a desk."""
    account = random_source.choice(list(CURRENCIES))
    common = {
        "id": f"e{number}",
        "occurred_at": (START + timedelta(seconds=number - random_source.choice((0, 0, 0, 9)))).isoformat(),
        "account": account,
        "environment": random_source.choice(ENVIRONMENTS),
        "engine": random_source.choice(("one", "two")),
    }
    amount = str(random_source.randint(-900, 900))
    trade = {"type": "trade", "strategy": random_source.choice("rst"), "side": "SELL", "duration_seconds": 0.1}
    kinds: list[dict[str, Any]] = [
        {"type": "account", "opening_balance": "10000", "currency": CURRENCIES[account]},
        {**trade, "pnl": amount, "holding_seconds": 60},
        {"type": "equity", "equity": str(10_000 + int(amount)), "open_positions": 1, "risk_at_stop": "4"},
        {"type": "transfer", "amount": amount if int(amount) else "1"},
        {"type": "fx_rate", "base": "BTC", "quote": "USD", "rate": "9000", "source": "x"},
        {"type": "api_call", "endpoint": random_source.choice("xy"), "seconds": 0.2},
        {"type": "heartbeat"},
    ]
    return {**common, **random_source.choice(kinds)}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shown", ENVIRONMENTS)
async def test_guide_equals_its_labelled_families_at_every_scrape(
    database_url: str, clock: ManualClock, seed: int, shown: str
) -> None:
    random_source = random.Random(seed)
    async with open_service(database_url, clock, headline=shown) as client:
        for step in range(12):
            clock.advance(5)
            await client.push(*(random_event(random_source, 5 * step + place) for place in range(5)))
            clock.advance(5)  # an instant that not every account has reported counts after two seconds
            check_guide_follows_from_labels(await scrape(client), shown)


async def test_current_pnl_is_the_sum_of_the_headline_accounts(client: MetricsClient) -> None:
    def opened(account: str, environment: str, **more: Any) -> list[dict[str, Any]]:
        common = {"occurred_at": START.isoformat(), "account": account, "environment": environment}
        opening = {"id": f"o{account}", "type": "account", "opening_balance": "1000", **more}
        closing = {"id": f"t{account}", "type": "trade", "side": "SELL", "pnl": "-100"}
        return [{**common, **opening}, {**common, **closing}]

    await client.push(*opened("a", "live"), *opened("b", "live"), *opened("c", "paper", currency="EUR"))
    page = await scrape(client)

    assert of(page, "current_pnl") == [-200]
    assert of(page, "trading_pnl", environment="live") == [-100, -100]
    assert of(page, "trading_pnl", account="c", currency="EUR", environment="paper") == [-100]
    assert of(page, "trading_portfolio_pnl", environment="paper", currency="EUR") == [-100]
    assert of(page, "trading_equity_derived", account="a") == [1]


async def test_equity_without_a_rate_is_named_and_in_no_portfolio(client: MetricsClient) -> None:
    marks = [
        {"account": "a", "currency": "USD", "opening_balance": "100"},
        {"account": "j", "currency": "JPY", "opening_balance": "900000"},
    ]
    at = START.isoformat()
    await client.push(*({"id": m["account"], "type": "account", "occurred_at": at, **m} for m in marks))
    page = await scrape(client)

    assert of(page, "trading_portfolio_equity") == []
    assert of(page, "trading_unconverted_equity", environment="live", currency="JPY") == [900_000]
    assert of(page, "trading_equity", account="j", currency="JPY") == [900_000]
    assert of(page, "trading_restatement_running", environment="live") == [0]


async def test_accounts_beyond_the_budget_are_summed_by_currency(database_url: str, clock: ManualClock) -> None:
    async with open_service(database_url, clock, label_budget=2) as client:
        for number in range(5):
            at = (START + timedelta(seconds=number - 9)).isoformat()
            event = {"type": "equity", "occurred_at": at, "equity": 100 + number}
            await client.push({**event, "id": f"q{number}", "account": f"a{number}"})
        page = await scrape(client)

    assert sorted(of(page, "trading_equity")) == [103, 104, 303]
    assert of(page, "trading_equity", account="__other__", currency="USD") == [303]
    assert of(page, "trading_drawdown_ratio", account="__other__") == []
    assert of(page, "trading_label_overflow_total", label="account") == [3]


async def test_dead_engine_is_visible_next_to_a_live_one(client: MetricsClient) -> None:
    dead, alive = START - timedelta(minutes=10), START
    await client.push(
        {"id": "1", "type": "heartbeat", "engine": "dead", "occurred_at": dead.isoformat()},
        {"id": "2", "type": "heartbeat", "engine": "alive", "occurred_at": alive.isoformat()},
    )
    page = await scrape(client)

    name = catalog.HEARTBEAT.name
    assert of(page, name, engine="dead", environment="live") == [pytest.approx(dead.timestamp())]
    assert of(page, name, engine="alive", environment="live") == [pytest.approx(alive.timestamp())]
    listed = (await client.get("/v1/engines"))["items"]
    assert [(item["engine"], item["heartbeat_age_seconds"], item["in_service"]) for item in listed] == [
        ("alive", 0, True),
        ("dead", 600, True),
    ]
    items = (await client.get("/v1/snapshot"))["items"]
    ages = {item["engine"]: item["values"]["heartbeat_age_seconds"] for item in items if item["engine"]}
    assert ages == {"alive": 0, "dead": 600}


async def test_profit_of_a_strategy_is_known_by_currency(client: MetricsClient) -> None:
    at = START.isoformat()
    for account, currency in (("a", "USD"), ("j", "JPY")):
        opening = {"type": "account", "opening_balance": "1000", "currency": currency}
        await client.push({"id": f"o{account}", "occurred_at": at, "account": account, **opening})
    sold = {"type": "trade", "occurred_at": at, "side": "SELL", "strategy": "rsi"}
    await client.push(
        {**sold, "id": "1", "account": "a", "pnl": "7"},
        {**sold, "id": "2", "account": "a", "pnl": "-3"},
        {**sold, "id": "3", "account": "j", "pnl": "-500"},
        {**sold, "id": "4", "account": "j", "strategy": "sma", "pnl": "20"},
    )

    items = (await client.get("/v1/snapshot"))["items"]

    by_strategy = {item["strategy"]: item for item in items if item["strategy"]}
    rsi, sma = by_strategy["rsi"]["values"], by_strategy["sma"]["values"]
    assert (rsi["realised_pnl"], rsi["realised_pnl_usd"], rsi["realised_pnl_jpy"]) == (None, 4, -500)
    assert by_strategy["rsi"]["undefined"]["realised_pnl"].startswith("the accounts of the strategy have several")
    assert (sma["realised_pnl"], sma["realised_pnl_jpy"], sma["win_rate_ratio"]) == (20, 20, 1.0)
