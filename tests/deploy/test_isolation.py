"""Containers and pods reach only what they need: networks, policies, published ports, the database server."""

from pathlib import Path

import pytest
import yaml
from tests.deploy.manifests import OVERLAYS, ROOT, built, compose, copy_with_secrets, of_kind, pod, workloads

from seatrial_core.clients import PORTS
from seatrial_core.json_types import Json

WITH_TABLES = {"metrics", "alerts", "backtest", "engine", "stress", "migrate"}
# Who calls whom, by port; each name is a pod's.
CALLS = {
    "metrics": {("postgres", 5432)},
    "alerts": {("postgres", 5432), ("metrics", 9999), ("engine", 5000)},
    "backtest": {("postgres", 5432)},
    "engine": {("postgres", 5432), ("metrics", 9999)},
    "stress": {("postgres", 5432), ("engine", 5000)},
    "stress-worker": {("stress", 8003), ("engine", 5000)},
    "stress-run": {("stress", 8003)},
    "migrate": {("postgres", 5432)},
    "postgres": set(),
}
LABEL = "app.kubernetes.io/name"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the manifests with fresh secrets."""
    return copy_with_secrets(tmp_path_factory.mktemp("manifests"))


@pytest.fixture(scope="module")
def local(folder: Path) -> list[Json]:
    """The objects of the local overlay and of a stress run."""
    return built(folder / "overlays" / "local") + built(folder / "stress-run")


def names_of(selector: Json) -> set[str]:
    """Return the pods that a selector matches by name."""
    names = {selector["matchLabels"][LABEL]} if LABEL in selector.get("matchLabels", {}) else set()
    for expression in selector.get("matchExpressions", []):
        assert (expression["key"], expression["operator"]) == (LABEL, "In")
        names |= set(expression["values"])
    return names


def test_only_containers_with_tables_share_a_network_with_the_database() -> None:
    document = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    networks = {name: set(service.get("networks", ["default"])) for name, service in document["services"].items()}

    assert {name for name, joined in networks.items() if "database" in joined} == WITH_TABLES | {"postgres"}
    assert networks["postgres"] == {"database"}
    assert networks["migrate"] == {"database"}
    assert networks["grafana"] == {"dashboards"}
    assert {name for name, joined in networks.items() if "dashboards" in joined} == {"grafana", "prometheus"}
    assert document["networks"]["database"]["internal"] is True
    assert not any("default" in joined for joined in networks.values())


def test_containers_publish_on_loopback_only_and_the_database_not_at_all() -> None:
    for name, service in compose().items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
    assert "ports" not in compose()["postgres"]


def test_every_container_is_read_only_and_without_capabilities() -> None:
    for name, service in compose().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"memory", "cpus", "pids"}, name
        assert "privileged" not in service and "cap_add" not in service, name


def test_postgres_takes_scram_passwords_and_limits_its_clients(local: list[Json]) -> None:
    ours = compose()["postgres"]
    (container,) = pod(of_kind(local, "StatefulSet")["postgres"])["containers"]
    variables = {variable["name"]: variable.get("value") for variable in container["env"]}
    options = dict(word.split("=", 1) for word in ours["command"] if "=" in word)

    assert container["args"] == ours["command"]
    assert options["password_encryption"] == "scram-sha-256"
    assert int(options["max_connections"]) <= 200
    assert {"authentication_timeout", "idle_in_transaction_session_timeout"} <= set(options)
    assert ours["environment"]["POSTGRES_INITDB_ARGS"] == variables["POSTGRES_INITDB_ARGS"]
    assert "trust" not in str(ours)


def test_prometheus_has_no_admin_interface_and_grafana_no_anonymous_user() -> None:
    prometheus, grafana = compose()["prometheus"], compose()["grafana"]["environment"]

    assert not any("enable-admin-api" in word or "enable-lifecycle" in word for word in prometheus["command"])
    assert grafana["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert grafana["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert grafana["GF_USERS_VIEWERS_CAN_EDIT"] == "false"
    assert grafana["GF_SECURITY_ADMIN_PASSWORD"].startswith("${GRAFANA_PASSWORD:?")


def test_egress_of_each_pod_is_what_it_calls_and_dns(local: list[Json]) -> None:
    for name, policy in of_kind(local, "NetworkPolicy").items():
        if name in {"nothing-by-default", "alerts-webhooks"}:
            continue
        calls = set()
        for rule in policy["spec"].get("egress", []):
            ports = {port["port"] for port in rule["ports"]}
            for peer in rule["to"]:
                if ports == {53}:
                    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "kube-system"}
                    continue
                assert set(peer) == {"podSelector"}, name
                calls |= {(pod_name, port) for pod_name in names_of(peer["podSelector"]) for port in ports}
        assert calls == CALLS[name], name


def test_ingress_of_each_pod_is_from_its_callers_labelled_clients_and_prometheus(local: list[Json]) -> None:
    for name, policy in of_kind(local, "NetworkPolicy").items():
        callers = set()
        for rule in policy["spec"].get("ingress", []):
            ports = {port["port"] for port in rule["ports"]}
            for peer in rule["from"]:
                selector = peer["podSelector"]
                assert selector, f"{name}: every pod may call it"
                if selector.get("matchLabels") == {"seatrial.io/client": "true"} and name in PORTS:
                    continue
                if "namespaceSelector" in peer:
                    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}
                    assert selector["matchLabels"] == {LABEL: "prometheus"}
                    continue
                callers |= {(caller, port) for caller in names_of(selector) for port in ports}
        assert callers == {
            (caller, port) for caller, calls in CALLS.items() for called, port in calls if called == name
        }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_webhooks_leave_the_cluster_and_private_addresses_are_excepted(overlay: str, folder: Path) -> None:
    objects = built(folder / "overlays" / overlay)
    blocks = [
        (name, peer["ipBlock"], [port["port"] for port in rule["ports"]])
        for name, policy in of_kind(objects, "NetworkPolicy").items()
        for rule in policy["spec"].get("egress", [])
        for peer in rule["to"]
        if "ipBlock" in peer
    ]

    outgoing = [(block, ports) for name, block, ports in blocks if name == "alerts-webhooks"]
    assert [ports for _, ports in outgoing] == [[443]]
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(outgoing[0][0]["except"])
    others = [(block, ports) for name, block, ports in blocks if name != "alerts-webhooks"]
    assert all(block["cidr"].endswith("/32") and ports == [5432] for block, ports in others)
    assert bool(others) == (overlay == "production")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_namespace_enforces_the_restricted_standard(overlay: str, folder: Path) -> None:
    objects = built(folder / "overlays" / overlay)
    labels = of_kind(objects, "Namespace")["seatrial"]["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, workload in workloads(objects).items():
        assert "hostNetwork" not in pod(workload), name
        assert all("hostPath" not in volume for volume in pod(workload).get("volumes", [])), name
