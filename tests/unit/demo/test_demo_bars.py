"""The demo's prices have their true splits applied once, and a crash stays a crash."""

from datetime import UTC, datetime

from seatrial.stack.demo import bars
from seatrial.stack.demo.bars import SymbolBars


def _close(of: SymbolBars, day: str) -> float:
    moment = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)
    return of.columns["close"][list(of.columns["time"]).index(moment)]


def test_five_symbols_with_their_staggered_listings() -> None:
    loaded = {symbol.symbol: len(symbol) for symbol in bars.load()}

    assert loaded == {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}


def test_splits_leave_no_jump_and_the_crash_stays() -> None:
    apple = next(symbol for symbol in bars.load() if symbol.symbol == "AAPL")

    assert 0.9 < _close(apple, "2000-06-21") / _close(apple, "2000-06-20") < 1.2
    assert 0.9 < _close(apple, "2005-02-28") / _close(apple, "2005-02-25") < 1.2
    assert _close(apple, "2000-09-29") / _close(apple, "2000-09-28") < 0.5


def test_factors_multiply_and_end_at_one() -> None:
    days = [bars._epoch_ms(day) for day in ("2000-06-20", "2000-06-21", "2005-02-25", "2005-02-28")]

    assert bars.split_factors(days, bars.SPLITS["AAPL"]) == [4, 2, 2, 1]
