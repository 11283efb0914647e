"""The figures of accounts and portfolios: which rates count, which sums are known, and where sessions begin."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from seatrial_core.contracts.events import Environment
from seatrial_metrics.equity import AccountEquity, EquityBooks, EquityEntry, EquityMark, advance
from seatrial_metrics.figures import AccountFigures, ClosedTradeSums, EngineFigures, Figures, PortfolioFigures
from seatrial_metrics.portfolio import Rate
from seatrial_metrics.scopes import account_scope, portfolio_scope

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAX_AGE = timedelta(seconds=60)


def at(seconds: float) -> datetime:
    """Return an instant some seconds after START."""
    return START + timedelta(seconds=seconds)


def mark(account: str, seconds: float, equity: int, cash: int | None = None) -> EquityEntry:
    """Return a mark to market."""
    reported = None if cash is None else Decimal(cash)
    return EquityEntry(account, at(seconds), EquityMark(Decimal(equity), at(seconds), reported))


def opened(account: str, balance: int, currency: str = "USD", zone: str = "UTC") -> AccountEquity:
    """Return an account with an opening balance and no entry."""
    return AccountEquity(account).open(Decimal(balance), currency, zone, START)


def figures(
    *entries: EquityEntry,
    accounts: Sequence[AccountEquity] = (),
    rates: Sequence[Rate] = (),
    seconds: float,
    environment: Environment = Environment.LIVE,
) -> Figures:
    """Return the figures some seconds after START; the newest event is the last entry."""
    books, _ = advance(EquityBooks({account.name: account for account in accounts}), entries, rates)
    return Figures(
        as_of=at(seconds),
        accounts=[
            AccountFigures(environment, account, at(seconds), ClosedTradeSums()) for account in books.accounts.values()
        ],
        portfolios={environment: PortfolioFigures(books.portfolio, at(seconds))},
        engines=[EngineFigures(environment, "default", entries[-1].at)],
    )


def euros(seconds: float, environment: Environment = Environment.LIVE) -> Figures:
    """Return the figures of an account of 100 EUR, some seconds after its only rate."""
    return figures(
        mark("a", 30, 100),
        accounts=[opened("a", 100, currency="EUR")],
        rates=[Rate("EUR", START, Decimal("1.5"))],
        seconds=seconds,
        environment=environment,
    )


def test_rate_counts_until_it_is_older_than_the_maximum() -> None:
    current = portfolio_scope(euros(60), "live", MAX_AGE)
    outdated = portfolio_scope(euros(60.001), "live", MAX_AGE)

    assert current.state is not None and current.state.equity == 150
    assert outdated.state is None and outdated.profit is None
    assert outdated.unconverted == {"EUR": 100}


def test_rates_of_replay_age_with_its_events() -> None:
    scope = portfolio_scope(euros(86_400, Environment.REPLAY), "replay", MAX_AGE)

    assert scope.state is not None and scope.state.equity == 150


def test_cash_is_unknown_if_one_account_does_not_report_it() -> None:
    both = portfolio_scope(figures(mark("a", 1, 100, 70), mark("b", 1, 100, 20), seconds=2), "live", MAX_AGE)
    one = portfolio_scope(figures(mark("a", 1, 100, 70), mark("b", 1, 100), seconds=2), "live", MAX_AGE)

    assert [both.cash, one.cash] == [90, None]


def test_entries_fall_into_the_sessions_of_the_zone_of_the_account() -> None:
    evening = 16 * 3600  # 04:00 UTC is 23:00 of the day before in New York
    read = figures(
        mark("a", 60, 90),
        mark("a", evening, 80),
        accounts=[opened("a", 100, zone="America/New_York")],
        seconds=evening,
    )

    assert account_scope(read.accounts[0], read).session_profit == -20
