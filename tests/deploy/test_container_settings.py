"""Every setting reaches the container of its service, in compose and in Kubernetes, and no secret of another does."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.deploy.manifests import (
    OVERLAYS,
    ROOT,
    SERVICES,
    built,
    compose,
    copy_with_secrets,
    environment_of,
    of_kind,
    pod,
    workloads,
)
from tests.deploy.programs import compose_command
from tests.support.scripts import load_script

from seatrial_core.json_types import Json
from seatrial_core.variables import unknown_variables
from seatrial_service.auth import Tokens
from seatrial_service.settings import ServiceSettings, variables

SCRIPT = load_script("container_settings")
SETTINGS: dict[str, type[ServiceSettings]] = SCRIPT.service_settings()
NAMES = {service: set(variables(cls)) for service, cls in SETTINGS.items()}
SECRETS = {name for cls in SETTINGS.values() for name, field in variables(cls).items() if not field.repr}
# Names of secrets that the manifests bring in addition to the settings.
FURTHER_SECRETS = {"POSTGRES_PASSWORD", "GRAFANA_PASSWORD"}


def marker(name: str) -> str:
    """Return the value that a test gives a setting."""
    return f"value-of-{name}"


def assign(file: Path, name: str, value: str) -> None:
    """Set a variable in a file of NAME=value lines."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    kept = [line for line in lines if not line.startswith(f"{name}=")]
    file.write_text("\n".join([*kept, f"{name}={value}"]) + "\n", encoding="utf-8")


def compose_environments(folder: Path, values: dict[str, str]) -> dict[str, dict[str, str | None]]:
    """Return the environment of every container of compose with these variables in `.env`; None is not set."""
    copy_with_secrets(folder)
    for name, value in values.items():
        assign(folder / ".env", name, value)
    ended = subprocess.run(
        [*compose_command(), "--profile", "*", "--env-file", str(folder / ".env"), "config", "--format", "json"],
        cwd=ROOT,
        env={name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_CONFIG") if name in os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    services: Json = json.loads(ended.stdout)["services"]
    return {service: definition.get("environment") or {} for service, definition in services.items()}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str | None]]:
    """The environments of compose with every setting in `.env`; numbers where compose needs one."""
    ports = {name for names in NAMES.values() for name in names if name.endswith("_PORT")}
    values = {name: "5999" if name in ports else marker(name) for names in NAMES.values() for name in names}
    return compose_environments(tmp_path_factory.mktemp("filled"), values)


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_in_the_env_file_reaches_its_container(
    service: str, filled: dict[str, dict[str, str | None]]
) -> None:
    missing = {
        name
        for name in NAMES[service] - set(SCRIPT.FIXED_IN_COMPOSE)
        if marker(name) not in str(filled[service].get(name))
    }

    assert missing == set(), "run `python scripts/container_settings.py` (or `make docs`)"


@pytest.mark.parametrize("service", SERVICES)
def test_a_setting_that_is_not_in_the_env_file_is_not_set(service: str, tmp_path: Path) -> None:
    values = compose_environments(tmp_path, {})[service]
    written_out = yaml_environment(service)

    surplus = {name for name in NAMES[service] if values.get(name) is not None and name not in written_out}

    assert surplus <= {"SEATRIAL_ENGINE_WEBHOOK_SECRET", "ALERT_WEBHOOK_SECRET"}  # `make env` writes them


def yaml_environment(service: str) -> set[str]:
    """Return the variables to which docker-compose.yml itself gives a value."""
    return {name for name, value in compose()[service]["environment"].items() if value is not None}


def test_a_container_of_compose_knows_no_secret_of_another_service(
    filled: dict[str, dict[str, str | None]],
) -> None:
    for service, values in filled.items():
        allowed = NAMES.get(service, set())
        for name in SECRETS - allowed:
            assert not any(re.search(rf"{marker(name)}\b", str(value)) for value in values.values()), (service, name)


@pytest.mark.parametrize("name", sorted(SCRIPT.FIXED_IN_COMPOSE))
def test_a_fixed_setting_has_a_reason(name: str) -> None:
    assert len(SCRIPT.FIXED_IN_COMPOSE[name].split()) >= 5
    assert name in set().union(*NAMES.values()) or name.endswith(("_URL", "_PORT", "_HOST"))


def test_compose_is_what_the_script_writes() -> None:
    stored = SCRIPT.COMPOSE.read_text(encoding="utf-8")

    assert stored == SCRIPT.text(stored), "run `python scripts/container_settings.py` (or `make docs`)"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_setting_of_an_overlay_reaches_its_pod(overlay: str, tmp_path: Path) -> None:
    folder = copy_with_secrets(tmp_path) / "overlays" / overlay
    for service, cls in SETTINGS.items():
        for name, field in variables(cls).items():
            assign(
                folder / "settings" / f"{service}.conf" if field.repr else secret_file(folder, service),
                name,
                marker(name),
            )

    objects = built(folder)

    for service in SERVICES:
        values = environment_of(of_kind(objects, "Deployment")[service], objects)
        missing = {name for name in NAMES[service] - set(SCRIPT.FIXED) if values.get(name) != marker(name)}
        assert missing == set(), service
        assert not unknown_variables(values)


def secret_file(folder: Path, service: str) -> Path:
    """Return the file of an overlay that holds the secrets of a service."""
    return folder / "secrets" / f"{service}.env"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_get_no_setting_that_is_not_set(overlay: str, tmp_path: Path) -> None:
    objects = built(copy_with_secrets(tmp_path) / "overlays" / overlay)

    for service in SERVICES:
        values = environment_of(of_kind(objects, "Deployment")[service], objects)
        surplus = {name for name in values if name in NAMES[service] - SECRETS - set(SCRIPT.FIXED)}
        assert surplus <= {"SEATRIAL_METRICS_OPEN", "SEATRIAL_STRESS_TARGETS", "SEATRIAL_ALLOWED_HOSTS"}, service


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_files_of_settings_hold_no_secret(overlay: str) -> None:
    for file in (ROOT / "k8s" / "overlays" / overlay / "settings").iterdir():
        names = {line.partition("=")[0] for line in file.read_text(encoding="utf-8").splitlines() if "=" in line}
        assert not names & (SECRETS | FURTHER_SECRETS), file


def test_every_pod_that_is_no_service_names_its_variables_one_by_one(tmp_path: Path) -> None:
    objects = built(copy_with_secrets(tmp_path) / "overlays" / "local")

    for name in set(workloads(objects)) - set(SERVICES) - {"migrate"}:
        (container,) = pod(workloads(objects)[name])["containers"]
        assert "envFrom" not in container, name


def test_make_env_names_a_variable_that_nothing_reads(tmp_path: Path) -> None:
    settings = copy_with_secrets(tmp_path) / "overlays" / "local" / "settings" / "engine.conf"
    assign(tmp_path / ".env", "SEATRIAL_ENGINE_MAX_DAYLY_LOSS", "0.05")
    assign(settings, "SEATRIAL_ENGINE_SIZ", "fixed:1")

    written = subprocess.run(
        ["sh", str(ROOT / "scripts" / "env.sh")],
        env={"PATH": "/usr/bin:/bin", "SEATRIAL_ENV_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    lines = [line for line in written.splitlines() if "nothing reads it" in line]
    assert [line.split(" is set")[0] for line in lines] == [
        ".env: SEATRIAL_ENGINE_MAX_DAYLY_LOSS",
        "k8s/overlays/local/settings/engine.conf: SEATRIAL_ENGINE_SIZ",
    ]


SCOPES = {
    ("metrics", "alerts"): {"metrics:read"},
    ("metrics", "engine"): {"events:write"},
    ("engine", "alerts"): {"engine:control"},
    ("engine", "stress"): {"engine:trade"},
    ("engine", "stress-worker"): {"engine:trade"},
    ("stress", "stress-worker"): {"stress:work"},
    ("stress", "stress-run"): {"stress:run", "stress:read"},
    **{(service, "operator"): {"admin"} for service in SERVICES},
}


def scopes_by_caller(environments: dict[str, dict[str, str]], operator: str) -> dict[tuple[str, str], set[str]]:
    """Return what each caller's own token may do at each service."""
    tokens = {name: values.get("SEATRIAL_TOKEN") or "" for name, values in environments.items()}
    tokens["operator"] = operator
    assert len(set(tokens.values()) - {""}) == len([token for token in tokens.values() if token]), "a shared token"
    granted = {}
    for service in SERVICES:
        accepted = Tokens.parse(environments[service]["SEATRIAL_TOKENS"])
        for caller, token in tokens.items():
            principal = accepted.find(token) if token else None
            if principal is not None:
                assert principal.name == caller
                granted[service, caller] = set(principal.scopes)
    return granted


def test_each_caller_in_compose_has_a_token_with_its_scopes_only(tmp_path: Path) -> None:
    environments = {
        name: {variable: value for variable, value in values.items() if value is not None}
        for name, values in compose_environments(tmp_path, {}).items()
    }
    (operator,) = re.findall(r"^SEATRIAL_TOKEN=(\w+)$", (tmp_path / ".env").read_text(encoding="utf-8"), re.MULTILINE)

    assert scopes_by_caller(environments, operator) == SCOPES
    assert all("SEATRIAL_TOKEN" not in environments[name] for name in ("metrics", "backtest", "migrate"))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_pod_has_a_token_with_its_scopes_and_no_value_of_another(overlay: str, tmp_path: Path) -> None:
    folder = copy_with_secrets(tmp_path) / "overlays" / overlay
    objects = built(folder)
    run = built(folder.parents[1] / "stress-run")
    environments = {name: environment_of(workload, objects) for name, workload in workloads(objects).items()}
    environments["stress-run"] = environment_of(of_kind(run, "Job")["stress-run"], [*run, *objects])
    operator = (folder / "secrets" / "operator.env").read_text(encoding="utf-8").partition("=")[2].strip()

    assert scopes_by_caller(environments, operator) == SCOPES
    for name, values in environments.items():
        further = {"postgres": {"POSTGRES_PASSWORD"}, "migrate": {"SEATRIAL_DATABASE_URL"}}.get(
            name, {"SEATRIAL_TOKEN"}
        )
        assert set(values) & (SECRETS | FURTHER_SECRETS) <= NAMES.get(name, set()) | further, name
    assert "SEATRIAL_DATABASE_URL" not in environments["stress-worker"]
    assert "SEATRIAL_TOKEN" not in environments["migrate"]


def test_secrets_of_an_earlier_version_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "k8s" / "overlays" / "local"
    folder.mkdir(parents=True)
    (folder / "secret.env").write_text("POSTGRES_PASSWORD=former\nSEATRIAL_TOKEN=former-token\n", encoding="utf-8")

    copy_secrets = subprocess.run(
        ["sh", str(ROOT / "scripts" / "env.sh")],
        env={"PATH": "/usr/bin:/bin", "SEATRIAL_ENV_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "POSTGRES_PASSWORD=former\n" in (folder / "secrets" / "postgres.env").read_text(encoding="utf-8")
    assert "://seatrial:former@postgres:5432/" in (folder / "secrets" / "migrate.env").read_text(encoding="utf-8")
    assert "secret.env is no longer read" in copy_secrets.stdout


def database_users(environments: Mapping[str, Mapping[str, str | None]]) -> dict[str, set[str | None]]:
    """Return the database users whose address each container has."""
    users: dict[str, set[str | None]] = {}
    for name, values in environments.items():
        addresses = [urlsplit(str(value)) for value in values.values() if str(value).startswith("postgresql://")]
        users[name] = {address.username for address in addresses}
    return users


DATABASE_USERS = {**{service: {f"seatrial_{service}"} for service in SERVICES}, "migrate": {"seatrial"}}


def test_each_container_of_compose_has_its_own_database_role(tmp_path: Path) -> None:
    environments = compose_environments(tmp_path, {})
    (owner,) = (value for name, value in environments["postgres"].items() if name == "POSTGRES_PASSWORD")

    users = database_users(environments)

    assert {name: names for name, names in users.items() if names} == DATABASE_USERS
    assert owner is not None
    assert {name for name, values in environments.items() if owner in str(values)} == {"postgres", "migrate"}
    assert_passwords_match(environments)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_pod_has_its_own_database_role(overlay: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s", ignore=shutil.ignore_patterns("*.env"))
    address = "postgresql://seatrial:of-the-owner@db.example.com:6432/seatrial?sslmode=require"
    subprocess.run(
        ["sh", str(ROOT / "scripts" / "env.sh")],
        env={"PATH": "/usr/bin:/bin", "SEATRIAL_ENV_ROOT": str(tmp_path), "SEATRIAL_DATABASE_URL": address},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    objects = built(tmp_path / "k8s" / "overlays" / overlay)
    environments = {name: environment_of(workload, objects) for name, workload in workloads(objects).items()}

    assert {name: names for name, names in database_users(environments).items() if names} == DATABASE_USERS
    assert_passwords_match(environments)
    if overlay == "production":
        assert {name for name, values in environments.items() if "of-the-owner" in str(values)} == {"migrate"}
        assert environments["metrics"]["SEATRIAL_METRICS_DATABASE_URL"].endswith(
            "@db.example.com:6432/seatrial?sslmode=require"
        )


def assert_passwords_match(environments: Mapping[str, Mapping[str, str | None]]) -> None:
    """Check that the migration step sets the password with which each service connects, and that all differ."""
    passwords = set()
    for service in SERVICES:
        address = urlsplit(str(environments[service][f"SEATRIAL_{service.upper()}_DATABASE_URL"]))
        assert address.password == environments["migrate"][f"SEATRIAL_{service.upper()}_DATABASE_PASSWORD"]
        passwords.add(address.password)
    assert len(passwords) == len(SERVICES)
    assert None not in passwords


def test_the_address_of_an_earlier_version_leaves_the_secrets_of_services(tmp_path: Path) -> None:
    secrets = tmp_path / "k8s" / "overlays" / "production" / "secrets"
    secrets.mkdir(parents=True)
    for name in ("migrate", "metrics"):
        (secrets / f"{name}.env").write_text("SEATRIAL_DATABASE_URL=postgresql://own:er@db/x\n", encoding="utf-8")

    subprocess.run(
        ["sh", str(ROOT / "scripts" / "env.sh")],
        env={"PATH": "/usr/bin:/bin", "SEATRIAL_ENV_ROOT": str(tmp_path)},
        check=True,
        stdout=subprocess.DEVNULL,
    )

    assert "postgresql://own:er@db/x\n" in (secrets / "migrate.env").read_text(encoding="utf-8")
    assert "own:er" not in (secrets / "metrics.env").read_text(encoding="utf-8")
    assert "://seatrial_metrics:" in (secrets / "metrics.env").read_text(encoding="utf-8")
