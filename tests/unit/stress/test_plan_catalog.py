"""Built-in plans by name, and plans read from JSON."""

import json
from pathlib import Path

import pytest

from seatrial_core.errors import ValidationFailed
from seatrial_stress.plans import catalog


def test_the_four_plans_of_the_guide_are_built_in() -> None:
    assert tuple(catalog.PLANS) == ("high_frequency", "memory_under_load", "concurrent_trades", "api_failure")


def test_unknown_plan_is_refused_with_the_list() -> None:
    with pytest.raises(ValidationFailed, match="high_frequency"):
        catalog.get("high_freqency")


def test_misspelt_field_of_a_plan_is_refused_by_name() -> None:
    document = {**catalog.get("high_frequency").model_dump(mode="json"), "rate": 5}

    with pytest.raises(ValidationFailed, match="`rate`"):
        catalog.read_text(json.dumps(document))


def test_slo_for_an_operation_outside_the_mix_is_refused() -> None:
    document = catalog.get("high_frequency").model_dump(mode="json")
    document["slos"] = [{"operation": "check", "quantile": 0.95, "seconds": 1}]

    with pytest.raises(ValidationFailed, match="not in the mix"):
        catalog.read_text(json.dumps(document))


@pytest.mark.parametrize("name", catalog.NAMES)
def test_plan_written_as_json_is_read_back_unchanged(name: str) -> None:
    plan = catalog.get(name)

    assert catalog.read_text(plan.model_dump_json()) == plan


def test_only_the_scenario_imports_locust() -> None:
    package = Path(catalog.__file__).parents[1]
    importing = [file for file in package.rglob("*.py") if "import locust" in file.read_text(encoding="utf-8")]

    assert [file.name for file in importing] == ["scenario.py"]
