"""Every planted leak is found by its check, and no clean counterpart is reported."""

import pytest
from tests.unit.lookahead.lookahead_bars import hours, proof
from tests.unit.lookahead.planted import PLANTS, Plant
from tests.unit.lookahead.planted_callbacks import CALLBACK_PLANTS

from seatrial_trading.lookahead import CheckPlan, LookaheadVerdict

ALL = (*PLANTS, *CALLBACK_PLANTS)
QUICK = CheckPlan(poisonings=40, costly_rows=8_000)


@pytest.mark.parametrize("plant", ALL, ids=lambda plant: plant.name)
def test_a_planted_leak_is_found_by_the_right_check(plant: Plant) -> None:
    candles = hours()

    report = proof(plant.leak(candles), candles, QUICK)

    assert report.verdict is LookaheadVerdict.LEAK, report
    assert plant.check in {finding.check for finding in report.findings}, report.findings


@pytest.mark.parametrize("plant", ALL, ids=lambda plant: plant.name)
def test_a_clean_counterpart_is_not_reported(plant: Plant) -> None:
    candles = hours()

    report = proof(plant.twin(candles), candles, QUICK)

    assert report.verdict is LookaheadVerdict.CLEAN, report
    assert report.coverage.decisions > 0


def test_twelve_leaks_and_their_counterparts_are_planted() -> None:
    assert len({plant.name for plant in ALL}) == len(ALL) >= 12
    assert {plant.check for plant in ALL} == {
        "prefix_replay",
        "future_poisoning",
        "outside_data",
        "state_leak",
        "non_determinism",
    }
