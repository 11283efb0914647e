"""The file of settings is what the Settings classes say."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_env_example_is_generated_from_the_settings_classes() -> None:
    spec = importlib.util.spec_from_file_location("env_example", ROOT / "scripts" / "env_example.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    stored = (ROOT / ".env.example").read_text(encoding="utf-8")

    assert stored == script.text(), "run `python scripts/env_example.py > .env.example`"
    for settings in script.SERVICES:
        for name in script.variables(settings):
            assert f"# {name}=" in stored
