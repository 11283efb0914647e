"""Reads docker-compose.yml and what `kubectl kustomize` prints."""

import base64
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import yaml
from tests.deploy.programs import need

from seatrial_core.json_types import Json

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
OVERLAYS = ("local", "production")
SERVICES = sorted(
    path.name for path in (ROOT / "services").iterdir() if (path / f"seatrial_{path.name}" / "__main__.py").exists()
)
UNITS = {"M": 1 << 20, "G": 1 << 30, "Mi": 1 << 20, "Gi": 1 << 30}


def built(folder: Path) -> list[Json]:
    """Return the output of `kubectl kustomize` for a folder."""
    program = need("kubectl", package="kubectl")
    ended = subprocess.run([program, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return list(yaml.safe_load_all(ended.stdout))


def of_kind(objects: list[Json], *kinds: str) -> dict[str, Json]:
    """Return the objects of some kinds by name."""
    return {document["metadata"]["name"]: document for document in objects if document["kind"] in kinds}


def workloads(objects: list[Json]) -> dict[str, Json]:
    """Return the objects that create pods, by name."""
    return of_kind(objects, "Deployment", "Job", "StatefulSet")


def pod(workload: Json) -> Json:
    """Return a workload's pod."""
    spec: Json = workload["spec"]["template"]["spec"]
    return spec


def environment_of(workload: Json, objects: list[Json]) -> dict[str, str]:
    """Return the environment variables of a workload's container; secrets are decoded."""
    (container,) = pod(workload)["containers"]
    values: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            values |= of_kind(objects, "ConfigMap")[source["configMapRef"]["name"]].get("data", {})
        else:
            values |= secret_values(objects, source["secretRef"]["name"])
    for variable in container.get("env", []):
        if "value" in variable:
            values[variable["name"]] = variable["value"]
        else:
            reference = variable["valueFrom"]["secretKeyRef"]
            values[variable["name"]] = secret_values(objects, reference["name"])[reference["key"]]
    return values


def secret_values(objects: list[Json], name: str) -> dict[str, str]:
    """Return the decoded values of a Secret."""
    encoded = of_kind(objects, "Secret")[name].get("data", {})
    return {key: base64.b64decode(value).decode() for key, value in encoded.items()}


@cache
def compose() -> Json:
    """Return the services of docker-compose.yml."""
    read: Json = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    return read


def bytes_of(text: str) -> int:
    """Return a limit of compose or Kubernetes in bytes."""
    match = re.fullmatch(r"(\d+)([A-Za-z]+)", text)
    assert match is not None, text
    return int(match[1]) * UNITS[match[2]]


def copy_with_secrets(target: Path) -> Path:
    """Copy the manifests without the secrets of this checkout, write fresh ones, and return the folder."""
    shutil.copytree(K8S, target / "k8s", ignore=shutil.ignore_patterns("*.env"))
    subprocess.run(
        ["sh", str(ROOT / "scripts" / "env.sh")],
        env={"PATH": "/usr/bin:/bin", "SEATRIAL_ENV_ROOT": str(target)},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return target / "k8s"
