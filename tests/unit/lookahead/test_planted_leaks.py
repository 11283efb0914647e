"""Every planted leak is found, by the check that is made for it; no clean twin is accused."""

import pytest
from tests.unit.lookahead.lookahead_bars import hours, proof
from tests.unit.lookahead.planted import PLANTS, Plant

from seatrial_shared.lookahead import Verdict


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_leak_is_found_by_the_right_check(plant: Plant) -> None:
    candles = hours()

    report = proof(plant.leak(candles), candles)

    assert report.verdict is Verdict.LEAK, report
    assert plant.check in {finding.check for finding in report.findings}, report.findings


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_clean_twin_is_not_accused(plant: Plant) -> None:
    candles = hours()

    report = proof(plant.twin(candles), candles)

    assert report.verdict is Verdict.CLEAN, report
    assert report.coverage.decisions > 0
