"""Times that no calendar or 64-bit number holds are bad rows with a reason."""

from zoneinfo import ZoneInfo

import pytest

from seatrial_backtesting.data.timestamps import parse


@pytest.mark.parametrize(
    "value",
    ["99999999999999999999", "1e308", "9" * 5_000, "99999999999999", "0001-01-01T00:00:00+14:00", "9999-12-31T00:00Z"],
)
def test_a_time_outside_the_calendar_is_a_bad_row(value: str) -> None:
    assert parse([value]).bad_rows.is_bad.tolist() == [True]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("value", ["99999999-01-01", "-9999-01-01", "9999-12-31", "0001-01-01"])
def test_a_local_time_outside_the_calendar_is_a_bad_row(value: str, zone: str) -> None:
    assert parse([value], ZoneInfo(zone)).bad_rows.is_bad.tolist() == [True]
