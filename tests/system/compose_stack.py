"""Starts docker-compose.yml under its own project name, secrets and ports."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.ports import free_ports

from seatrial_core.clients import PORTS, ServiceClient

ROOT = Path(__file__).resolve().parents[2]
OTHER_PORTS = ("PROMETHEUS_PORT", "GRAFANA_PORT", "SEATRIAL_STRESS_UI_PORT")
GRAFANA = "grafana"
# The variable that replaces an image of docker-compose.yml or of the Dockerfile.
IMAGES = {
    "PYTHON_IMAGE": ("Dockerfile", r"ARG PYTHON_IMAGE=(\S+)"),
    "POSTGRES_IMAGE": ("docker-compose.yml", r"POSTGRES_IMAGE:-([^}]+)"),
    "PROMETHEUS_IMAGE": ("docker-compose.yml", r"PROMETHEUS_IMAGE:-([^}]+)"),
}


class ComposeError(Exception):
    """A docker command failed; carries what it wrote."""


@dataclass(frozen=True)
class Compose:
    """A compose project: its variables and what it starts."""

    environment: dict[str, str]
    services: tuple[str, ...]

    def run(self, *words: str, seconds: float = 120.0) -> str:
        """Run `docker compose WORDS` and return what it wrote."""
        return docker("compose", *words, environment=self.environment, seconds=seconds)

    def ends_with(self, *words: str, seconds: float = 180.0) -> tuple[int, str]:
        """Run `docker compose WORDS` and return its exit code and what it wrote."""
        return ended(["compose", *words], self.environment, seconds)

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        return self.run("ps", "-a", "-q", service).strip()

    def inside(self, service: str, *words: str) -> str:
        """Run a command in a service's container and return what it wrote."""
        return self.run("exec", "-T", service, *words)

    def inspect(self, service: str) -> dict[str, Any]:  # Any: docker's JSON
        """Return what the engine knows about a service's container."""
        container: dict[str, Any] = json.loads(docker("inspect", self.container(service)))[0]
        return container

    def client(self, service: str) -> ServiceClient:
        """Return a client of a service as it is published on this machine."""
        port = self.environment[f"SEATRIAL_{service.upper()}_PORT"]
        token = self.environment["SEATRIAL_TOKEN"]
        return ServiceClient(service, url=f"http://127.0.0.1:{port}", token=token, attempts=8, timeout_seconds=30.0)

    @property
    def prometheus_url(self) -> str:
        """Return where Prometheus is published."""
        return f"http://127.0.0.1:{self.environment['PROMETHEUS_PORT']}"


def docker(*words: str, environment: dict[str, str] | None = None, seconds: float = 120.0) -> str:
    """Run a docker command and return what it wrote; a failure raises ComposeError with both streams."""
    code, text = ended(words, environment, seconds)
    if code != 0:
        raise ComposeError(f"docker {' '.join(words)} ended with {code}:\n{text[-4000:]}")
    return text


def ended(words: Sequence[str], environment: dict[str, str] | None, seconds: float) -> tuple[int, str]:
    """Run a docker command and return its exit code and both streams."""
    # Streams go to a file, because the text of a build must not fill a pipe without a reader.
    with tempfile.TemporaryFile("w+") as written:
        process = subprocess.run(
            ["docker", *words], cwd=ROOT, env=environment, stdout=written, stderr=written, timeout=seconds, check=False
        )
        written.seek(0)
        return process.returncode, written.read()


def why_not() -> str:
    """Return why no stack can be started here; empty when one can."""
    if shutil.which("docker") is None:
        return "there is no `docker` on the PATH"
    try:
        docker("info", seconds=20)
        docker("compose", "version", seconds=20)
    except (ComposeError, subprocess.TimeoutExpired) as error:
        return f"no container engine with compose answers: {str(error).splitlines()[-1][:200]}"
    return ""


@contextmanager
def running(folder: Path, say: Any) -> Iterator[Compose]:  # Any: print
    """Build, start and wait for the whole stack; take it down again with its volumes, whatever happens."""
    environment = {**_environment(folder), **_stand_ins(say)}
    every = docker("compose", "config", "--services", environment=environment).split()
    services = [service for service in sorted(every) if service != GRAFANA or _has_image(environment, say)]
    compose = Compose(environment, tuple(services))
    try:
        for service in sorted(set(services) & set(PORTS)):
            say(f"building seatrial/{service}")
            compose.run("build", "--quiet", service, seconds=900)
        say(f"starting {', '.join(services)}")
        compose.run("up", "--detach", "--no-build", "--wait", "--wait-timeout", "180", *services, seconds=300)
        yield compose
    except ComposeError:
        say(_last_output(compose))
        raise
    finally:
        compose.run("down", "--volumes", "--remove-orphans", "--timeout", "15", seconds=180)
        say("torn down, volumes removed")


def _environment(folder: Path) -> dict[str, str]:
    subprocess.run(
        ["sh", str(ROOT / "scripts" / "env.sh")],
        env={**os.environ, "SEATRIAL_ENV_ROOT": str(folder)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    lines = (folder / ".env").read_text(encoding="utf-8").splitlines()
    secrets = dict(line.split("=", 1) for line in lines)
    names = [f"SEATRIAL_{name.upper()}_PORT" for name in PORTS] + list(OTHER_PORTS)
    ports = dict(zip(names, map(str, free_ports(len(names))), strict=True))
    project = {"COMPOSE_PROJECT_NAME": f"seatrial-test-{os.getpid()}", "COMPOSE_PARALLEL_LIMIT": "1"}
    return {**os.environ, **secrets, **ports, **project, "DOCKER_BUILDKIT": "1"}


def _stand_ins(say: Any) -> dict[str, str]:  # Any: print
    images = {}
    for variable, (file, pattern) in IMAGES.items():
        match = re.search(pattern, (ROOT / file).read_text(encoding="utf-8"))
        assert match is not None, variable
        if variable in os.environ or ended(["image", "inspect", match[1]], None, 30)[0] == 0:
            continue
        if ended(["pull", "--quiet", match[1]], None, 120)[0] == 0:
            continue
        # An engine without a registry may hold a local build of another tag.
        repository = match[1].split("@")[0].rpartition(":")[0]
        local = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).split()
        if local:
            images[variable] = min(local)
            say(f"{match[1]} cannot be had here; using the local {images[variable]}")
    return images


def _has_image(environment: dict[str, str], say: Any) -> bool:  # Any: print
    try:
        docker("compose", "pull", "--quiet", "--policy", "missing", GRAFANA, environment=environment, seconds=120)
    except (ComposeError, subprocess.TimeoutExpired) as error:
        say(f"Grafana's image cannot be had here ({str(error).strip().splitlines()[-1][:120]}); starting the rest")
        return False
    return True


def _last_output(compose: Compose) -> str:
    try:
        return compose.run("ps", "--all") + compose.run("logs", "--no-color", "--tail", "15")
    except ComposeError as error:
        return str(error)
