"""The operator's file of rules: its content is read, and an error stops the start with its place."""

from pathlib import Path

import pytest

from seatrial_alerts import rulefile
from seatrial_core.errors import SettingsError

GOOD = """
[alert_thresholds]
max_drawdown = 0.2

[[rules]]
name = "deep_drawdown"
metric = "drawdown_ratio"
comparison = "above"
threshold = 0.3
action = "halt"
"""


def _file(folder: Path, text: str, name: str = "rules.toml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_an_empty_path_is_an_empty_file() -> None:
    assert rulefile.load("") == rulefile.RuleFile()


def test_toml_and_json_are_equivalent(tmp_path: Path) -> None:
    content = rulefile.load(_file(tmp_path, GOOD))
    from_json = rulefile.load(_file(tmp_path, content.model_dump_json(), "rules.json"))

    assert content.alert_thresholds == {"max_drawdown": 0.2}
    assert [(rule.name, rule.action) for rule in content.rules] == [("deep_drawdown", "halt")]
    assert from_json == content


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[alert_thresholds]\ndrawdown = 0.2", "known are max_drawdown"),
        ("[alert_thresholds]\nmax_drawdown = 20", "ratio from 0 to 1"),
        ("[[rules]]\nname = 'x'\nmetric = 'y'\ncomparison = 'over'\nthreshold = 1", r"rules\.0\.comparison"),
        ("[[rules]]\nname = 'x'\nmetric = 'y'\ncomparison = 'above'\nthreshold = 1\nrecovery = 2", "wrong side"),
        ("[threshold]\n", "threshold: Extra"),
        ("this is no TOML", "line 1"),
    ],
)
def test_an_error_names_the_place_and_the_variable(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as refused:
        rulefile.load(_file(tmp_path, text))

    assert "SEATRIAL_ALERTS_RULES_FILE" in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        rulefile.load(str(tmp_path / "nothing.toml"))


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("rules.toml", "# " + "x" * (256 << 10), "at most 262144 bytes"),
        ("rules.json", "[" * 100_000, "nested too deeply"),
        ("rules.toml", "a = " + "[" * 100_000, "nested too deeply"),
        ("rules.toml", "a" + ".a" * 20_000 + " = 1", "line 1 has 20000 dots"),
    ],
)
def test_large_and_deep_files_are_refused(tmp_path: Path, name: str, text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        rulefile.load(_file(tmp_path, text, name))


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(SettingsError, match="at most 262144 bytes"):
        rulefile.load("/dev/zero")
