"""Equity books: hand-computed cases, and any division into batches against a naive oracle."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.metrics.oracle import Expected, expect

from seatrial_metrics.equity import AccountEquity, EquityBooks, EquityCurve, EquityMark, advance, recompute_from

START = datetime(2026, 11, 23, tzinfo=UTC)


def at(hours: float) -> datetime:
    """Return an instant some hours after START."""
    return START + timedelta(hours=hours)


def point(account: str, hours: float, equity: float) -> EquityMark:
    """Return a mark to market."""
    return EquityMark(account, at(hours), Decimal(str(equity)))


def run(*points: EquityMark, opening: dict[str, int] | None = None) -> EquityBooks:
    """Return the books after points in one batch."""
    accounts = {
        name: AccountEquity(name).open(Decimal(balance), "USD", START) for name, balance in (opening or {}).items()
    }
    return advance(EquityBooks(accounts), points)[0]


def test_drawdown_is_measured_from_the_peak() -> None:
    books = run(point("a", 0, 100), point("a", 1, 120), point("a", 2, 90), point("a", 3, 110))

    state = books.accounts["a"].curve.now
    assert state.peak == 120
    assert state.max_drawdown_ratio == Decimal("0.25")


def test_loss_at_the_first_point_counts_from_the_opening_balance() -> None:
    state = run(point("a", 0, 90), opening={"a": 100}).portfolio.now

    assert state.peak == state.base == 100
    assert float(state.max_drawdown_ratio) == pytest.approx(0.1)


def test_peak_of_the_portfolio_is_that_of_whole_instants() -> None:
    # At hour 1 one account gains what the other loses: counted one by one this would be a peak or a fall.
    points = [point("a", 0, 100), point("b", 0, 100), point("a", 1, 150), point("b", 1, 50)]
    books = EquityBooks()
    for one in points:
        books, _ = advance(books, [one])

    state = books.portfolio.now
    assert state.equity == state.peak == 200
    assert state.max_drawdown_ratio == 0


def test_instant_is_complete_when_every_account_has_reported() -> None:
    books = run(point("a", 0, 100), point("b", 0, 100), point("a", 1, 150))
    assert not books.portfolio.complete

    books, _ = advance(books, [point("b", 1, 50)])

    assert books.portfolio.complete


def test_joining_account_neither_hides_nor_makes_a_drawdown() -> None:
    state = run(point("a", 0, 100), point("a", 1, 80), point("b", 2, 1000)).portfolio.now

    assert state.equity == 1080
    assert state.peak == 1100


def test_session_begins_with_the_equity_of_the_day_before() -> None:
    state = run(point("a", 1, 100), point("a", 23, 90), point("a", 24, 95)).accounts["a"].curve.now

    assert state.session_start_equity == 90
    assert state.session_day == at(24).date()


def test_correction_of_an_instant_replaces_its_mark() -> None:
    books = run(point("a", 0, 100), point("a", 1, 500))

    books, _ = advance(books, [point("a", 1, 105)])

    assert books.accounts["a"].curve.now.peak == 105
    assert books.portfolio.now.peak == 105


def test_mark_before_the_newest_instant_is_recomputed_from_there() -> None:
    books = run(point("a", 2, 100))

    assert recompute_from(books, [point("b", 1, 100), point("a", 3, 100)]) == at(1)
    assert recompute_from(books, [point("b", 2, 100)]) is None


def amounts() -> st.SearchStrategy[Decimal]:
    """Return amounts with many digits, so that a rounding sum would show."""
    return st.decimals(min_value="0.000000000000000001", max_value="100000000000000000000", places=18)


@given(
    marks=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60), amounts()), max_size=25),
    openings=st.dictionaries(st.sampled_from("abc"), amounts()),
    cuts=st.sets(st.integers(0, 25)),
)
def test_any_division_into_batches_gives_the_same_books(
    marks: list[tuple[str, int, Decimal]], openings: dict[str, Decimal], cuts: set[int]
) -> None:
    points = sorted((EquityMark(name, at(hours), equity) for name, hours, equity in marks), key=lambda mark: mark.at)
    accounts = {name: AccountEquity(name).open(balance, "USD", START) for name, balance in openings.items()}

    books = EquityBooks(accounts)
    edges = [0, *sorted(cut for cut in cuts if cut < len(points)), len(points)]
    for begin, end in pairwise(edges):
        books, _ = advance(books, points[begin:end])

    assert_equal(books.portfolio, expect(_marks(points), openings))
    for name, account in books.accounts.items():
        own = [mark for mark in _marks(points) if mark[0] == name]
        assert_equal(account.curve, expect(own, openings))
        assert 0 <= account.curve.now.max_drawdown_ratio <= 1


def _marks(points: Sequence[EquityMark]) -> list[tuple[str, datetime, Decimal]]:
    return [(point.account, point.at, point.equity) for point in points]


def assert_equal(curve: EquityCurve, expected: Expected | None) -> None:
    """Compare a curve with the oracle's figures."""
    if expected is None:
        assert not curve.begun
        return
    state = curve.now
    assert (state.equity, state.peak, state.base) == (expected.equity, expected.peak, expected.base)
    assert state.session_start_equity == expected.session_start_equity
    assert state.max_drawdown_ratio == expected.max_drawdown_ratio
