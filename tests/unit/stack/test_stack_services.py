"""Addresses and environment of the services, and the messages about ports."""

import importlib
import sys

import pytest
from tests.support.ports import free_port, silent_listener

from seatrial.stack import services
from seatrial.stack.caller_tokens import CallerTokens
from seatrial.stack.environment import StackEnvironment
from seatrial.stack.errors import PortTaken, StackError, UsageError
from seatrial.stack.postgres import database
from seatrial.stack.services import ServiceAddress, ServiceSpec, StackPlan
from seatrial_service.settings import ServiceSettings, variable_name

METRICS = services.SERVICES[0]
TOKENS = CallerTokens("owner-owner-owner-owner")
DATABASE = {"SEATRIAL_DATABASE_URL": "postgresql://db"}


def test_every_service_of_the_public_table_is_listed_with_its_port() -> None:
    ports = {service.name: service.default_port for service in services.SERVICES}

    assert ports == {"metrics": 9999, "alerts": 8002, "backtest": 8001, "stress": 8003, "engine": 5000}


def test_guides_port_variable_moves_the_metrics_service() -> None:
    where = services.addresses([METRICS], {"MONITORING_PORT": "9876"})

    assert where["metrics"].url == "http://127.0.0.1:9876"


def test_two_variables_that_disagree_about_a_port_are_refused_by_name() -> None:
    clashing = {"MONITORING_PORT": "9876", "SEATRIAL_METRICS_PORT": "9999"}

    with pytest.raises(UsageError, match="SEATRIAL_METRICS_PORT=9999 and MONITORING_PORT=9876 name the same port"):
        services.addresses([METRICS], clashing)


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1"])
def test_port_that_is_no_port_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(UsageError, match=rf"SEATRIAL_METRICS_PORT must be a port from 1 to 65535, was '{text}'"):
        services.addresses([METRICS], {"SEATRIAL_METRICS_PORT": text})


def test_service_on_all_addresses_is_reached_on_loopback() -> None:
    assert ServiceAddress("0.0.0.0", 9999).url == "http://127.0.0.1:9999"
    assert ServiceAddress("::", 9999).url == "http://[::1]:9999"


def test_two_services_on_one_port_are_refused_before_anything_starts() -> None:
    pair = (ServiceSpec("first", 0), ServiceSpec("second", 0))
    port = free_port()
    where = {"first": ServiceAddress("127.0.0.1", port), "second": ServiceAddress("127.0.0.1", port)}

    with pytest.raises(PortTaken, match=f"second and first both use port {port}; set SEATRIAL_SECOND_PORT"):
        services.check_ports(pair, where)


def test_taken_port_of_locusts_page_names_its_variable_and_zero_asks_for_none() -> None:
    stress = next(service for service in services.SERVICES if service.name == "stress")
    with silent_listener() as (port, _):
        given = {"SEATRIAL_STRESS_PORT": str(free_port()), "SEATRIAL_STRESS_UI_PORT": str(port)}

        with pytest.raises(PortTaken, match=f"Port {port} of stress is taken.*set SEATRIAL_STRESS_UI_PORT"):
            services.check_ports([stress], services.addresses([stress], given))
        services.check_ports([stress], services.addresses([stress], {**given, "SEATRIAL_STRESS_UI_PORT": "0"}))

    assert services.addresses([stress], {})["stress"].further == (("SEATRIAL_STRESS_UI_PORT", 8089),)


def test_airplay_is_named_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    message = services.taken_text(services.SERVICES[-1], ServiceAddress("127.0.0.1", 5000), 5000, "another program")

    assert message == (
        "Port 5000 of engine is taken by another program. On macOS this is usually the AirPlay Receiver "
        "(System Settings, General, AirDrop & Handoff). Stop that program or set SEATRIAL_ENGINE_PORT to a free port."
    )


def test_package_that_is_missing_names_what_to_install() -> None:
    with pytest.raises(StackError, match=r"seatrial_absent cannot be imported.*pip install 'seatrial\[up\]'"):
        services.check_installed([ServiceSpec("absent", 1, "seatrial_absent")])


def test_variables_can_be_added_to_one_service() -> None:
    plan = StackPlan().with_environment("alerts", {"ALERT_WEBHOOK_URL": "http://127.0.0.1:1/hook"})

    added = {service.name: dict(service.environment) for service in plan.services if service.environment}

    assert added == {"alerts": {"ALERT_WEBHOOK_URL": "http://127.0.0.1:1/hook"}}


def test_variables_for_an_unknown_service_are_refused_with_the_list() -> None:
    with pytest.raises(StackError, match="no service `alarms`; there are metrics, alerts, backtest, stress, engine"):
        StackPlan().with_environment("alarms", {})


def test_peer_address_that_the_user_set_is_kept() -> None:
    where = {"metrics": ServiceAddress("127.0.0.1", 9999), "alerts": ServiceAddress("127.0.0.1", 8002)}

    stack_environment = StackEnvironment({"SEATRIAL_METRICS_URL": "http://elsewhere:9999"}, where, TOKENS)

    variables = stack_environment.for_service(services.SERVICES[1], DATABASE)

    assert variables["SEATRIAL_METRICS_URL"] == "http://elsewhere:9999"
    assert variables["SEATRIAL_ALERTS_URL"] == "http://127.0.0.1:8002"
    assert variables["SEATRIAL_STOP_WITH_PARENT"] == "1"


USER_VARIABLES = {
    "PATH": "/bin",
    "AWS_SECRET_ACCESS_KEY": "planted-secret",
    "PLUGIN_KEY": "planted-secret",
    "ALERT_WEBHOOK_SECRET": "planted-secret",
    "SEATRIAL_ENGINE_WEBHOOK_SECRET": "planted-secret",
    "SEATRIAL_DATABASE_URL": "postgresql://owner:planted-secret@db/x",
    "SEATRIAL_MIGRATOR_DATABASE_PASSWORD": "planted-secret",
    "SEATRIAL_ENGINE_DATABASE_PASSWORD": "planted-secret",
    "SEATRIAL_METRICS_OPEN": "1",
    "SEATRIAL_BACKTEST_WORKERS": "3",
}


def variables_of(name: str, **further: str) -> dict[str, str]:
    where = {service.name: ServiceAddress("127.0.0.1", service.default_port) for service in services.SERVICES}
    service = next(service for service in services.SERVICES if service.name == name)
    return StackEnvironment({**USER_VARIABLES, **further}, where, TOKENS).for_service(service, DATABASE)


@pytest.mark.parametrize(
    ("service", "secrets"),
    [
        ("metrics", set()),
        ("alerts", {"ALERT_WEBHOOK_SECRET"}),
        ("engine", {"SEATRIAL_ENGINE_WEBHOOK_SECRET"}),
        ("backtest", set()),
        ("stress", set()),
    ],
)
def test_a_service_gets_its_own_settings_and_no_secret_of_another(service: str, secrets: set[str]) -> None:
    variables = variables_of(service)

    assert {name for name, value in variables.items() if "planted-secret" in value} == secrets
    assert variables["PATH"] == "/bin"
    assert ("SEATRIAL_BACKTEST_WORKERS" in variables) is (service == "backtest")


def test_metrics_open_reaches_every_service() -> None:
    assert all(variables_of(service.name)["SEATRIAL_METRICS_OPEN"] == "1" for service in services.SERVICES)


def test_variables_of_a_plugin_are_passed_by_name() -> None:
    assert variables_of("backtest", SEATRIAL_PASS_VARIABLES="OTHER, PLUGIN_KEY")["PLUGIN_KEY"] == "planted-secret"


@pytest.mark.parametrize("service", [service.name for service in services.SERVICES])
def test_every_setting_reaches_its_service(service: str) -> None:
    settings = importlib.import_module(f"seatrial_{service}.settings")
    classes = [kind for kind in vars(settings).values() if isinstance(kind, type) and issubclass(kind, ServiceSettings)]
    kind = next(kind for kind in classes if kind is not ServiceSettings)
    prefix = str(kind.model_config["env_prefix"])
    names = {variable_name(kind, field, prefix) for field in kind.model_fields if not field.startswith("database")}

    variables = variables_of(service, **dict.fromkeys(names, "1"))

    assert names - set(variables) == set()


def test_a_migration_gets_the_database_and_no_secret() -> None:
    variables = database.migration_environment(USER_VARIABLES, "postgresql://db")

    assert variables["SEATRIAL_DATABASE_URL"] == variables["SEATRIAL_DATABASE_DIRECT_URL"] == "postgresql://db"
    assert "SEATRIAL_ENGINE_WEBHOOK_SECRET" not in variables
    assert "AWS_SECRET_ACCESS_KEY" not in variables


def test_the_migration_of_an_embedded_server_gets_the_passwords_of_its_roles() -> None:
    variables = database.migration_environment({}, "postgresql://db", {"engine": "made"})

    assert variables["SEATRIAL_ENGINE_DATABASE_PASSWORD"] == "made"
    assert variables["SEATRIAL_DATABASE_DEDICATED"] == "1"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"SEATRIAL_DATABASE_URL": "postgresql://me:pw@db:6/x?sslmode=require"}),
        (
            {"SEATRIAL_DATABASE_DIRECT_URL": "postgresql://me:pw@direct/x", "SEATRIAL_ENGINE_DATABASE_PASSWORD": "a/b"},
            {
                "SEATRIAL_DATABASE_URL": "postgresql://seatrial_engine:a%2Fb@db:6/x?sslmode=require",
                "SEATRIAL_DATABASE_DIRECT_URL": "postgresql://seatrial_engine:a%2Fb@direct/x",
            },
        ),
        (
            {
                "SEATRIAL_DATABASE_DIRECT_URL": "postgresql://me:pw@direct/x",
                "SEATRIAL_ENGINE_DATABASE_URL": "postgresql://e@db",
            },
            {"SEATRIAL_DATABASE_URL": "postgresql://e@db"},
        ),
        (
            {"SEATRIAL_METRICS_DATABASE_PASSWORD": "x"},
            {"SEATRIAL_DATABASE_URL": "postgresql://me:pw@db:6/x?sslmode=require"},
        ),
    ],
)
def test_a_server_of_the_user_is_shared_unless_a_service_has_its_own_address_or_password(
    given: dict[str, str], expected: dict[str, str]
) -> None:
    external = database.ExternalDatabase("postgresql://me:pw@db:6/x?sslmode=require", given)

    assert external.variables("engine") == expected
    assert external.role_passwords() == {}
