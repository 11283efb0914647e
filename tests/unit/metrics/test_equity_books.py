"""Equity books: hand-computed cases, and any division into batches against a naive oracle."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.metrics import oracle
from tests.unit.metrics.oracle import Expected, Opening, Report

from seatrial_core.figures.equity import EquityState
from seatrial_metrics.equity import (
    AccountEquity,
    EquityBooks,
    EquityEntry,
    EquityMark,
    absorb,
    advance,
    recompute_from,
)
from seatrial_metrics.portfolio import CurrencyPair, PortfolioCurve, Rate, rate_of

START = datetime(2026, 11, 23, tzinfo=UTC)


def at(hours: float) -> datetime:
    """Return an instant some hours after START."""
    return START + timedelta(hours=hours)


def mark(account: str, hours: float, equity: float) -> EquityEntry:
    """Return a mark to market."""
    return EquityEntry(account, at(hours), EquityMark(Decimal(str(equity)), at(hours)))


def flow(account: str, hours: float, amount: int) -> EquityEntry:
    """Return a deposit or a withdrawal."""
    return EquityEntry(account, at(hours), flow=Decimal(amount))


def result(account: str, hours: float, amount: int) -> EquityEntry:
    """Return the profit of a closed trade."""
    return EquityEntry(account, at(hours), result=Decimal(amount))


def opened(account: str, balance: float, hours: float = 0, currency: str = "USD") -> AccountEquity:
    """Return an account with an opening balance and no entry."""
    return AccountEquity(account).open(Decimal(str(balance)), currency, "UTC", at(hours))


def run(*entries: EquityEntry, accounts: Sequence[AccountEquity] = (), rates: Sequence[Rate] = ()) -> EquityBooks:
    """Return the books after entries in one batch."""
    return advance(EquityBooks({account.name: account for account in accounts}), entries, rates)[0]


def test_drawdown_is_measured_from_the_peak() -> None:
    books = run(mark("a", 0, 100), mark("a", 1, 120), mark("a", 2, 90), mark("a", 3, 110))

    state = books.accounts["a"].now
    assert state.peak == 120
    assert state.max_drawdown_ratio == Decimal("0.25")


def test_loss_at_the_first_mark_counts_from_the_opening_balance() -> None:
    state = run(mark("a", 0, 90), accounts=[opened("a", 100)]).portfolio.now.converted

    assert state.peak == state.base == 100
    assert float(state.max_drawdown_ratio) == pytest.approx(0.1)


def test_account_without_marks_has_opening_balance_plus_results() -> None:
    books = run(result("a", 1, -2_000), result("a", 2, -1_000), flow("a", 3, 500), accounts=[opened("a", 10_000)])

    account = books.accounts["a"]
    assert account.derived
    assert [account.now.equity, account.now.pnl] == [7_500, -3_000]
    assert float(account.now.max_drawdown_ratio) == pytest.approx(0.3)
    assert books.portfolio.now.converted.equity == 7_500


def test_results_before_the_opening_balance_are_part_of_it() -> None:
    books = run(result("a", 1, -50), EquityEntry("a", at(2)), result("a", 3, 7), accounts=[opened("a", 100, hours=2)])

    assert books.accounts["a"].now.equity == 107


def test_result_after_a_mark_is_part_of_the_next_mark() -> None:
    books = run(mark("a", 1, 100), result("a", 2, -50))

    assert not books.accounts["a"].derived
    assert books.accounts["a"].now.equity == 100


def test_results_without_an_opening_balance_give_no_equity() -> None:
    books = run(result("a", 1, -50))

    assert not books.accounts["a"].begun
    assert not books.portfolio.begun


def test_mark_includes_the_transfer_of_its_instant() -> None:
    state = run(mark("a", 0, 100), flow("a", 1, 50), mark("a", 1, 140)).accounts["a"].now

    assert [state.equity, state.base, state.pnl] == [140, 150, -10]


def test_peak_of_the_portfolio_is_that_of_whole_instants() -> None:
    # At hour 1 one account gains what the other loses: counted one by one this would be a peak or a fall.
    entries = [mark("a", 0, 100), mark("b", 0, 100), mark("a", 1, 150), mark("b", 1, 50)]
    books = EquityBooks()
    for one in entries:
        books, _ = advance(books, [one])

    state = books.portfolio.now.converted
    assert state.equity == state.peak == 200
    assert state.max_drawdown_ratio == 0


def test_instant_is_complete_when_every_marked_account_has_reported() -> None:
    books = run(mark("a", 0, 100), mark("b", 0, 100), mark("a", 1, 150))
    assert not books.portfolio.complete

    books, _ = advance(books, [mark("b", 1, 50)])

    assert books.portfolio.complete


def test_result_of_an_account_without_marks_is_complete_at_once() -> None:
    books = run(mark("a", 0, 100), result("b", 1, -5), accounts=[opened("b", 100)])

    assert books.portfolio.complete


def test_joining_account_neither_hides_nor_makes_a_drawdown() -> None:
    state = run(mark("a", 0, 100), mark("a", 1, 80), mark("b", 2, 1000)).portfolio.now.converted

    assert state.equity == 1080
    assert state.drawdown.value == pytest.approx(0.2)


def test_session_begins_with_the_equity_of_the_day_before() -> None:
    state = run(mark("a", 1, 100), mark("a", 23, 90), mark("a", 24, 95)).accounts["a"].now

    assert state.session_start_equity == 90
    assert state.session_day == at(24).date()


def test_correction_of_an_instant_replaces_its_mark() -> None:
    books = run(mark("a", 0, 100), mark("a", 1, 500))

    books, _ = advance(books, [mark("a", 1, 105)])

    assert books.accounts["a"].now.peak == 105
    assert books.portfolio.now.converted.peak == 105


def test_entry_before_the_newest_instant_is_recomputed_from_there() -> None:
    books = run(mark("a", 2, 100))

    assert recompute_from(books, [mark("b", 1, 100), mark("a", 3, 100)]) == at(1)
    assert recompute_from(books, [mark("b", 2, 100)]) is None
    assert recompute_from(books, [], [Rate("EUR", at(1), Decimal(1))]) == at(1)


def test_late_entries_keep_the_present_known() -> None:
    books = run(mark("x", 0, 1_000), mark("y", 0, 1_000), mark("x", 10, 500))

    late, books, history = absorb(books, [mark("y", 5, 900), mark("x", 4, 2_000)])

    assert [entry.at for entry in late] == [at(4)]
    assert books.portfolio.now.converted.equity == 1_400
    assert books.portfolio.pending_at == at(10)
    assert list(history.points) == [("y", at(5))]


def euro(hours: float, price: str) -> Rate:
    """Return the price of a euro in dollars."""
    return Rate("EUR", at(hours), Decimal(price), "ecb")


def test_other_currencies_are_converted_at_their_last_rate() -> None:
    accounts = [opened("us", 100), opened("de", 100, currency="EUR")]
    entries = [mark("us", 1, 100), mark("de", 1, 100), mark("de", 3, 90)]

    books = run(*entries, accounts=accounts, rates=[euro(0, "1.10"), euro(2, "1.20")])

    state = books.portfolio.now.converted
    assert state.base == 210
    assert state.equity == Decimal("208.00")
    assert state.peak == Decimal("220.00")  # the rate earned 10 before the account lost 12
    assert books.accounts["de"].now.equity == 90


def test_account_joins_with_the_first_rate_of_its_currency() -> None:
    accounts = [opened("us", 100), opened("jp", 900_000, currency="JPY")]

    before = run(mark("us", 1, 100), mark("jp", 1, 900_000), accounts=accounts)
    after, _ = advance(before, [], [Rate("JPY", at(2), Decimal("0.01"))])

    assert before.portfolio.now.converted.equity == 100
    assert before.portfolio.now.unconverted == {"JPY": 900_000}
    assert after.portfolio.now.converted.equity == 9_100
    assert after.portfolio.now.converted.pnl == 0
    assert after.portfolio.now.unconverted == {}


def test_rate_is_read_in_both_directions() -> None:
    pair = CurrencyPair("EUR", "USD", at(0), Decimal("1.25"), "ecb")

    assert rate_of(pair, "USD") == Rate("EUR", at(0), Decimal("1.25"), "ecb")
    assert rate_of(pair, "EUR") == Rate("USD", at(0), Decimal("0.8"), "ecb")
    assert rate_of(pair, "GBP") is None


def test_newest_instant_keeps_the_time_of_its_first_report() -> None:
    stored = run(mark("a", 1, 100)).portfolio.with_receipt(PortfolioCurve(), at(5))

    again = run(mark("a", 1, 90)).portfolio.with_receipt(stored, at(6))
    later = run(mark("a", 2, 90)).portfolio.with_receipt(stored, at(6))

    assert again.pending is not None and later.pending is not None
    assert [again.pending.since, later.pending.since] == [at(5), at(6)]


def amounts() -> st.SearchStrategy[Decimal]:
    """Return amounts with many digits, so that a rounding sum would show."""
    return st.decimals(min_value="0.000000000000000001", max_value="100000000000000000000", places=18)


REPORTS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(0, 60),
        st.one_of(
            st.tuples(st.just("mark"), amounts()),
            st.tuples(st.sampled_from(["flow", "result"]), st.decimals(-10_000, 10_000, places=4)),
        ),
    ),
    max_size=25,
)


@given(
    reports=REPORTS,
    openings=st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(0, 60), amounts())),
    cuts=st.sets(st.integers(0, 25)),
)
def test_any_division_into_batches_gives_the_same_books(
    reports: list[tuple[str, int, tuple[str, Decimal]]],
    openings: dict[str, tuple[int, Decimal]],
    cuts: set[int],
) -> None:
    sent = sorted((Report(name, at(hours), kind, amount) for name, hours, (kind, amount) in reports), key=_instant)
    entries = sorted([*map(entry_of, sent), *(EquityEntry(name, at(hours)) for name, (hours, _) in openings.items())],
                     key=lambda entry: entry.at)  # fmt: skip
    books = EquityBooks({name: opened(name, float(0), hours) for name, (hours, _) in openings.items()})
    books = EquityBooks(
        {
            name: AccountEquity(name).open(balance, "USD", "UTC", at(hours))
            for name, (hours, balance) in openings.items()
        }
    )

    edges = [0, *sorted(cut for cut in cuts if cut < len(entries)), len(entries)]
    for begin, end in pairwise(edges):
        books, _ = advance(books, entries[begin:end])

    opened_at = {name: Opening(at(hours), balance) for name, (hours, balance) in openings.items()}
    assert_equal(books.portfolio.now.converted, oracle.portfolio(sent, opened_at))
    expected = oracle.accounts(sent, opened_at)
    for name, account in books.accounts.items():
        assert_equal(account.now, expected.get(name))


def _instant(report: Report) -> datetime:
    return report.at


def entry_of(report: Report) -> EquityEntry:
    """Return the entry of a report."""
    if report.kind == "mark":
        return EquityEntry(report.account, report.at, EquityMark(report.amount, report.at))
    amounts_of: Mapping[str, Decimal] = {report.kind: report.amount}
    return EquityEntry(report.account, report.at, **amounts_of)  # type: ignore[arg-type]  # flow or result


def assert_equal(state: EquityState, expected: Expected | None) -> None:
    """Compare a state with the oracle's figures: sums to the last digit, ratios within the error of a double."""
    if expected is None:
        assert state == EquityState()
        return
    assert Fraction(state.equity) == expected.equity
    assert Fraction(state.base) == expected.base
    assert Fraction(state.session_start_equity) == expected.session_start_equity
    assert float(state.peak) == pytest.approx(float(expected.peak), rel=1e-14)
    assert float(state.max_drawdown_ratio) == pytest.approx(float(expected.max_drawdown_ratio), rel=1e-12, abs=1e-12)
