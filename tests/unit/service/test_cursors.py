"""Cursors come back as they were handed out; anything else is refused."""

from datetime import UTC, datetime

import pytest

from seatrial_core.errors import ValidationFailed
from seatrial_service.cursors import format_position, parse_position, parse_sequence

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


def test_no_cursor_is_the_first_page() -> None:
    assert parse_sequence(None) is None
    assert parse_position(None) is None


def test_a_sequence_is_read() -> None:
    assert parse_sequence("184") == 184


def test_a_position_round_trips() -> None:
    assert parse_position(format_position(MOMENT, "a1b2")) == (MOMENT, "a1b2")


@pytest.mark.parametrize("cursor", ["", "-1", "1.5", "x", "٣", "1" * 19])
def test_a_foreign_sequence_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationFailed, match="`cursor` was"):
        parse_sequence(cursor)


@pytest.mark.parametrize("cursor", ["", "yesterday/a1", "2026-01-02T03:04:05/a1", "2026-01-02T03:04:05Z/", "a1"])
def test_a_foreign_position_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationFailed, match="`cursor` was"):
        parse_position(cursor)
