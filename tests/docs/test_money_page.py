"""The numbers and the event on the page about money are what the code makes of them."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from seatrial_core.contracts.events import EVENT, FxRateEvent
from seatrial_core.figures.equity import EquityChange, EquityState

PAGE = (Path(__file__).parents[2] / "docs" / "money.md").read_text(encoding="utf-8")
STEP = re.compile(r"^transfer ([+-][\d,]+): equity ([\d,]+) +drawdown (\d+) %, profit (-[\d,]+)$", re.MULTILINE)
START = datetime(2026, 11, 23, tzinfo=UTC)


def number(text: str) -> Decimal:
    """Return the number of a text with separators."""
    return Decimal(text.replace(",", ""))


def test_transfers_change_no_ratio() -> None:
    state = EquityState().apply(EquityChange(START, flow=Decimal(10_000))).mark(Decimal(8_500), START)
    steps = STEP.findall(PAGE)

    assert len(steps) == 3
    for minute, (flow, equity, drawdown, profit) in enumerate(steps, start=1):
        state = state.apply(EquityChange(START + timedelta(minutes=minute), flow=number(flow)))
        assert [state.equity, state.pnl] == [number(equity), number(profit)]
        assert state.drawdown.value == pytest.approx(float(drawdown) / 100)


def test_rate_of_the_page_is_an_event() -> None:
    event = EVENT.validate_python(json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]))

    assert isinstance(event, FxRateEvent)
    assert event.rate == Decimal("1.09")
