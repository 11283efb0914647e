"""Images and actions have exact versions, and a release adds the digests that a registry gives."""

from pathlib import Path

import pytest
from tests.support.scripts import load_script

IMAGES = load_script("container_images")
PIN = load_script("pin_images")
DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("line", "is_exact"),
    [
        ("image: postgres:15.18-bookworm", True),
        ("image: ${PROMETHEUS_IMAGE:-prom/prometheus:v3.13.3}", True),
        (f"image: grafana/grafana@{DIGEST}", True),
        ("image: registry.example.com:5000/seatrial/engine:0.1.0", True),
        ("image: postgres:15", False),
        ("image: postgres", False),
        ("image: ${GRAFANA_IMAGE:-grafana/grafana:latest}", False),
        ("image: prom/prometheus:v3", False),
        ("image: grafana/grafana:12.4", False),
        ("image: registry.example.com:5000/seatrial/engine", False),
        ("  - {name: seatrial/engine, newName: registry.example.com/engine, newTag: latest}", False),
    ],
)
def test_a_version_that_can_move_is_refused(line: str, is_exact: bool, tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(f"services:\n  one:\n    {line}\n", encoding="utf-8")

    assert (IMAGES.complaints(tmp_path) == []) == is_exact


@pytest.mark.parametrize(
    "text", ["FROM python:3.11-slim AS build\n", "ARG PYTHON_IMAGE=python:3\nFROM ${PYTHON_IMAGE}\n"]
)
def test_a_dockerfile_names_an_exact_base(text: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(text, encoding="utf-8")

    assert len(IMAGES.complaints(tmp_path)) == 1


def test_every_image_and_action_of_the_repository_is_exact() -> None:
    version = (IMAGES.ROOT / "VERSION").read_text(encoding="ascii").strip()
    uses = list(IMAGES.uses())
    ours = [use for use in uses if use.repository.startswith("seatrial/")]

    assert IMAGES.complaints() == []
    assert {use.file.split("/")[0] for use in uses} == {"docker-compose.yml", "Dockerfile", "k8s", ".github"}
    assert {use.tag for use in ours} == {version}


def test_a_release_pins_foreign_images_to_the_digests_of_the_registry(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(
        "image: ${POSTGRES_IMAGE:-postgres:15.18-bookworm}\nimage: seatrial/engine:0.1.0\n", encoding="utf-8"
    )
    (tmp_path / "Dockerfile").write_text(
        "ARG PYTHON_IMAGE=python:3.11.15-slim\nFROM ${PYTHON_IMAGE}\n", encoding="utf-8"
    )

    pinned = PIN.pin(tmp_path, lambda use: DIGEST)

    assert set(pinned) == {f"postgres:15.18-bookworm@{DIGEST}", f"python:3.11.15-slim@{DIGEST}"}
    assert f"postgres:15.18-bookworm@{DIGEST}}}" in (tmp_path / "docker-compose.yml").read_text(encoding="utf-8")
    assert "image: seatrial/engine:0.1.0\n" in (tmp_path / "docker-compose.yml").read_text(encoding="utf-8")
    assert f"ARG PYTHON_IMAGE=python:3.11.15-slim@{DIGEST}\n" in (tmp_path / "Dockerfile").read_text(encoding="utf-8")
    assert IMAGES.complaints(tmp_path) == []
    assert PIN.pin(tmp_path, lambda use: DIGEST) == []


def test_a_registry_that_cannot_be_reached_is_named() -> None:
    use = IMAGES.ImageUse("Dockerfile", "python:3.11.15-slim")

    with pytest.raises(PIN.DigestUnavailable, match=r"python:3.11.15-slim: http://127.0.0.1:9 gave no digest"):
        PIN.digest(use, "http://127.0.0.1:9")
