"""One Dockerfile for all services, and each image holds only what its service needs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))
HEAVY = {"numba": {"engine", "backtest"}, "plotly": {"backtest"}, "procrastinate": {"backtest"}, "locust": {"stress"}}
TOOLS = {"mypy", "ruff", "hatchling", "pip"}  # not pytest: Locust itself depends on it


def locked(service: str) -> set[str]:
    """Return the names in a service's lock."""
    text = (ROOT / "services" / service / "requirements.txt").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9._-]+)==", text, re.MULTILINE))


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_only_its_services_dependencies(service: str) -> None:
    names = locked(service)

    assert "fastapi" in names
    assert not names & TOOLS
    for name, users in HEAVY.items():
        assert (name in names) == (service in users), name


@pytest.mark.parametrize("service", SERVICES)
def test_a_lock_is_hashed_and_names_no_address(service: str) -> None:
    text = (ROOT / "services" / service / "requirements.txt").read_text(encoding="utf-8")

    entries = re.split(r"^(?=[a-z0-9._-]+==)", text, flags=re.MULTILINE)[1:]

    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_dockerfile_installs_the_lock_before_the_code_and_runs_as_an_unprivileged_user() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = text.splitlines()

    assert not lines[0].startswith("# syntax")
    assert text.index("--require-hashes -r requirements.txt") < text.index("COPY shared")
    assert "USER 10001" in lines
    assert "STOPSIGNAL SIGTERM" in lines
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    assert "exec python" in lines[-1]  # the service itself gets the signal, not a shell


def test_only_code_version_and_locks_enter_the_build_context() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()

    assert ignored[0] == "*"
    assert {line for line in ignored if line.startswith("!")} == {
        "!shared",
        "!services",
        "!requirements-build.txt",
        "!VERSION",
        "!scripts/hatch_metadata.py",
    }
