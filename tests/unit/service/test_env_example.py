"""The file of settings is what the Settings classes say."""

from pathlib import Path

from tests.support.scripts import load_script

from seatrial_service.settings import variables

ROOT = Path(__file__).resolve().parents[3]


def test_env_example_is_generated_from_the_settings_classes() -> None:
    script = load_script("env_example")
    stored = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert stored == script.text(), "run `python scripts/env_example.py > .env.example`"
    for settings in script.SERVICES:
        for name in variables(settings):
            assert f"# {name}=" in stored


def test_known_variables_are_those_of_the_settings_and_the_code() -> None:
    script = load_script("write_variable_names")
    stored = script.TARGET.read_text(encoding="utf-8")

    assert stored == script.text(), "run `python scripts/write_variable_names.py` (or `make docs`)"
