"""System samples are percentages, measured over a span of time."""

from pathlib import Path
from time import monotonic

import pytest

from seatrial_core.errors import SettingsError
from seatrial_core.system_metrics import SystemSampler, require_disk_path


def test_the_first_sample_is_measured(tmp_path: Path) -> None:
    sample = SystemSampler(monotonic, str(tmp_path)).sample()

    assert sample.cpu_percent is not None
    assert 0.0 <= sample.cpu_percent <= 100.0
    assert sample.memory_percent is not None
    assert 0.0 < sample.memory_percent <= 100.0
    assert sample.disk_percent is not None
    assert 0.0 <= sample.disk_percent <= 100.0


def test_no_disk_path_gives_no_disk_usage() -> None:
    assert SystemSampler(monotonic).sample().disk_percent is None


def test_a_missing_disk_gives_no_value(tmp_path: Path) -> None:
    assert SystemSampler(monotonic, str(tmp_path / "absent")).sample().disk_percent is None


def test_a_missing_disk_path_is_a_settings_error(tmp_path: Path) -> None:
    path = str(tmp_path / "absent")

    require_disk_path(str(tmp_path), "SEATRIAL_X_DISK_PATH")
    with pytest.raises(SettingsError, match=r"SEATRIAL_X_DISK_PATH: cannot read the disk usage of .*absent"):
        require_disk_path(path, "SEATRIAL_X_DISK_PATH")
