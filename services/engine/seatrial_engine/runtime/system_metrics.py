"""Samples the machine that the engine runs on."""

import psutil

from seatrial_core.errors import SettingsError


def prime() -> None:
    """Begin to measure the CPU; the first value of a process means nothing."""
    psutil.cpu_percent()


def sample(disk_path: str) -> dict[str, float]:
    """Return CPU, memory and disk in use, in percent."""
    return {
        "cpu_percent": psutil.cpu_percent(),
        "memory_percent": psutil.virtual_memory().percent,
        "disk_percent": psutil.disk_usage(disk_path).percent,
    }


def require_disk(path: str) -> None:
    """Raise SettingsError when a path cannot be looked at."""
    try:
        psutil.disk_usage(path)
    except OSError as error:
        raise SettingsError(
            f"SEATRIAL_ENGINE_DISK_PATH: {path!r} cannot be looked at ({error.strerror}); name an existing folder"
        ) from error
