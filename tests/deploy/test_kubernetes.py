"""Kubernetes manifests agree with compose: names, ports, images, variables and limits."""

import subprocess
from pathlib import Path

import pytest
from tests.deploy.manifests import (
    K8S,
    OVERLAYS,
    ROOT,
    SERVICES,
    built,
    bytes_of,
    compose,
    copy_with_secrets,
    environment_of,
    of_kind,
    pod,
    workloads,
)

from seatrial_core.clients import PORTS
from seatrial_core.json_types import Json


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the manifests with fresh secrets."""
    return copy_with_secrets(tmp_path_factory.mktemp("manifests"))


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest, folder: Path) -> list[Json]:
    """The objects of one overlay."""
    return built(folder / "overlays" / request.param)


def test_every_service_is_in_compose_and_in_kubernetes(overlay: list[Json]) -> None:
    assert set(SERVICES) <= set(compose())
    assert set(SERVICES) <= set(of_kind(overlay, "Deployment"))
    assert set(SERVICES) <= set(of_kind(overlay, "Service"))


def test_image_port_memory_and_command_are_those_of_compose(overlay: list[Json]) -> None:
    for name in SERVICES:
        (container,) = pod(of_kind(overlay, "Deployment")[name])["containers"]
        ports = {port["port"] for port in of_kind(overlay, "Service")[name]["spec"]["ports"]}
        published = {int(text.rpartition(":")[2]) for text in compose()[name]["ports"]}

        assert container["image"].removeprefix("registry.example.com/") == compose()[name]["image"]
        assert {port["containerPort"] for port in container["ports"]} == published
        assert ports == published
        assert PORTS[name] in published
        limit = compose()[name]["deploy"]["resources"]["limits"]["memory"]
        assert bytes_of(container["resources"]["limits"]["memory"]) == bytes_of(limit)
    (migrate,) = pod(workloads(overlay)["migrate"])["containers"]
    assert migrate["image"].removeprefix("registry.example.com/") == compose()["migrate"]["image"]
    assert migrate["command"] == compose()["migrate"]["entrypoint"]


def test_pods_have_minimal_privileges(overlay: list[Json]) -> None:
    accounts = of_kind(overlay, "ServiceAccount")

    for name, workload in workloads(overlay).items():
        spec = pod(workload)
        assert accounts[spec["serviceAccountName"]]["automountServiceAccountToken"] is False, name
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert container["securityContext"]["allowPrivilegeEscalation"] is False, name
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
            assert set(container["resources"]["limits"]) >= {"cpu", "memory"}, name


def test_probes_use_the_health_routes(overlay: list[Json]) -> None:
    for name in SERVICES:
        (container,) = pod(of_kind(overlay, "Deployment")[name])["containers"]

        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready", name
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live", name
        assert container["startupProbe"]["httpGet"]["path"] == "/health/live", name


def test_every_pod_has_a_network_policy_and_the_default_denies_all(overlay: list[Json]) -> None:
    policies = of_kind(overlay, "NetworkPolicy")

    selectors = [policy["spec"]["podSelector"].get("matchLabels") for policy in policies.values()]

    assert None in selectors  # nothing by default
    for name, workload in workloads(overlay).items():
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert any(selector and selector.items() <= labels.items() for selector in selectors), name


def test_engine_has_one_replica_and_scaled_services_have_a_disruption_budget(overlay: list[Json]) -> None:
    engine = of_kind(overlay, "Deployment")["engine"]["spec"]
    scaled = of_kind(overlay, "HorizontalPodAutoscaler")

    assert (engine["replicas"], engine["strategy"]["type"]) == (1, "Recreate")
    assert set(scaled) >= {"metrics", "backtest"}
    assert "engine" not in scaled
    assert set(scaled) <= set(of_kind(overlay, "PodDisruptionBudget"))
    assert not any("replicas" in of_kind(overlay, "Deployment")[name]["spec"] for name in scaled)


def test_local_has_open_metrics_and_a_database_and_production_has_neither(folder: Path) -> None:
    local, production = (built(folder / "overlays" / name) for name in OVERLAYS)

    def is_open(objects: list[Json]) -> str:
        values = environment_of(of_kind(objects, "Deployment")["metrics"], objects)
        return values["SEATRIAL_METRICS_OPEN"]

    assert (is_open(local), is_open(production)) == ("1", "0")
    assert "postgres" in of_kind(local, "StatefulSet")
    assert not of_kind(production, "StatefulSet")
    assert built(folder) == local


def test_secrets_are_generated_once_and_ignored_by_git(folder: Path) -> None:
    file = folder / "overlays" / "local" / "secrets" / "engine.env"
    before = file.read_text(encoding="utf-8")

    subprocess.run(
        ["sh", str(ROOT / "scripts" / "env.sh")],
        env={"PATH": "/usr/bin:/bin", "SEATRIAL_ENV_ROOT": str(folder.parent)},
        check=True,
    )

    assert file.read_text(encoding="utf-8") == before
    assert file.stat().st_mode & 0o777 == 0o600
    assert (folder.parent / ".env").stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert "secrets/" in (K8S / ".gitignore").read_text(encoding="utf-8").split()
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_load_workers_are_those_of_compose_with_minimal_access(overlay: list[Json]) -> None:
    (container,) = pod(of_kind(overlay, "Deployment")["stress-worker"])["containers"]
    ours = compose()["stress-worker"]
    policy = of_kind(overlay, "NetworkPolicy")["stress-worker"]["spec"]

    values = {variable["name"]: variable.get("value") for variable in container["env"]}
    (token,) = (item["valueFrom"]["secretKeyRef"] for item in container["env"] if "valueFrom" in item)

    assert ours["profiles"] == ["load"]
    assert container["image"].removeprefix("registry.example.com/") == ours["image"]
    assert container["command"] == ours["entrypoint"]
    assert set(values) == set(ours["environment"])
    assert values["SEATRIAL_STRESS_URL"] == ours["environment"]["SEATRIAL_STRESS_URL"]
    assert values["SEATRIAL_STRESS_TARGETS"] in ours["environment"]["SEATRIAL_STRESS_TARGETS"]  # ${NAME:-default}
    assert token["key"] in of_kind(overlay, "Secret")[token["name"]]["data"]
    assert "envFrom" not in container
    assert bytes_of(container["resources"]["limits"]["memory"]) == bytes_of(
        ours["deploy"]["resources"]["limits"]["memory"]
    )
    assert "ingress" not in policy
    assert [port["port"] for rule in policy["egress"] for port in rule["ports"]] == [8003, 5000, 53, 53]
    assert policy["egress"][0]["to"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "stress"}}}]


def test_stress_run_is_never_retried(folder: Path) -> None:
    objects = built(folder / "stress-run")
    local = built(folder / "overlays" / "local")
    job = of_kind(objects, "Job")["stress-run"]
    (container,) = pod(job)["containers"]
    ours = compose()["stress-run"]

    names = {variable["name"]: variable.get("value") for variable in container["env"]}

    assert (job["spec"]["backoffLimit"], pod(job)["restartPolicy"]) == (0, "Never")
    assert container["image"] == ours["image"]
    assert container["command"] == ours["entrypoint"]
    assert set(names) == set(ours["environment"])
    for name in ("SEATRIAL_STRESS_URL", "SEATRIAL_ENGINE_URL"):
        assert names[name] == ours["environment"][name]
    (token,) = (item["valueFrom"]["secretKeyRef"] for item in container["env"] if "valueFrom" in item)
    assert token["key"] in of_kind(local, "Secret")[token["name"]]["data"]
