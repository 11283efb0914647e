"""A misspelled variable is named with the nearest known name."""

import pytest
from tests.support.scripts import load_script

from seatrial_core.variable_names import VARIABLE_NAMES
from seatrial_core.variables import unknown_variables
from seatrial_service.settings import variables


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SEATRIAL_ENGINE_MAX_DAYLY_LOSS", "did you mean SEATRIAL_ENGINE_MAX_DAILY_LOSS?"),
        ("SEATRIAL_TOKNE", "did you mean SEATRIAL_TOKEN"),
        ("seatrial_engine_fees", "did you mean SEATRIAL_ENGINE_FEE?"),
        ("SEATRIAL_XYZZY_PLUGH_QUUX", "docs/configuration.md"),
    ],
)
def test_an_unknown_variable_is_named_with_the_nearest_one(name: str, nearest: str) -> None:
    (sentence,) = unknown_variables([name, "PATH", "SEATRIAL_ENGINE_FEE"])

    assert sentence.startswith(f"{name} is set, but nothing reads it")
    assert nearest in sentence


def test_control_characters_of_a_name_are_escaped() -> None:
    (sentence,) = unknown_variables(["SEATRIAL_\x1b[2J"])

    assert "\x1b" not in sentence


def test_variables_of_every_service_the_sdk_and_the_caller_are_known() -> None:
    script = load_script("env_example")
    every = {name for settings in script.SERVICES for name in variables(settings)}
    every |= {"SEATRIAL_SPILL_DIR", "SEATRIAL_POSTGRES_PORT", "SEATRIAL_NUMBA_CACHE_DIR", "seatrial_engine_fee"}

    assert unknown_variables(every) == []
    assert unknown_variables(["SEATRIAL_THINGS_PORT"], ["SEATRIAL_THINGS_PORT"]) == []
    assert len(VARIABLE_NAMES) > 50
