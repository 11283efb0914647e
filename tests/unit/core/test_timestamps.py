"""Timestamps keep their instant between datetimes, text and epoch milliseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial_core.timestamps import EPOCH, format_epoch_ms, format_rfc3339, from_epoch_ms, to_epoch_ms

MAX_MS = 253_402_300_799_999  # the last millisecond of the year 9999


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (EPOCH, "1970-01-01T00:00:00Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC), "2026-01-02T03:04:05.000600Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-5))), "2026-01-02T08:04:05Z"),
    ],
)
def test_rfc3339_text_is_in_utc_and_ends_in_z(moment: datetime, text: str) -> None:
    assert format_rfc3339(moment) == text


def test_rfc3339_text_can_be_cut_to_milliseconds() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)

    assert format_rfc3339(moment, "milliseconds") == "2026-01-02T03:04:05.678Z"


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        format_rfc3339(datetime(2026, 1, 2))  # noqa: DTZ001  the naive datetime is the subject


@given(st.integers(-MAX_MS // 10, MAX_MS))
def test_epoch_milliseconds_round_trip(milliseconds: int) -> None:
    assert to_epoch_ms(from_epoch_ms(milliseconds)) == milliseconds


def test_epoch_milliseconds_round_down() -> None:
    assert to_epoch_ms(EPOCH + timedelta(microseconds=1_999)) == 1
    assert to_epoch_ms(EPOCH - timedelta(microseconds=1)) == -1


def test_epoch_milliseconds_are_formatted_as_short_as_they_are_exact() -> None:
    assert format_epoch_ms(1_000) == "1970-01-01T00:00:01Z"
    assert format_epoch_ms(1_001) == "1970-01-01T00:00:01.001Z"
