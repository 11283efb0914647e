"""Generated requests to every operation of the five OpenAPI documents, as schemathesis makes them."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

EXAMPLES = 8  # per operation; `make test-all` sends more
MANY_EXAMPLES = 150
SEED = 1
# tests/unit/service/test_routing.py tests authorisation; here its refusals would be throttled.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
RUN_SECONDS = 600


def faults(stack: AttackedStack, service: str, examples: int, folder: Path) -> str:
    """Return what schemathesis reports about a service; empty without a fault."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{stack.urls[service]}/openapi.json"]
    command += ["--header", f"Authorization: Bearer {stack.token}", "--checks", CHECKS, "--seed", str(SEED)]
    command += ["--max-examples", str(examples), "--phases", "examples,coverage,fuzzing", "--continue-on-failure"]
    command += ["--request-timeout", "20", "--warnings", "off", "--no-color"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    return "" if run.returncode == 0 else f"{service}: {run.stdout[-3000:]}{run.stderr[-1000:]}"


def attack_every_service(stack: AttackedStack, examples: int, folder: Path) -> str:
    """Send generated requests to all services; return what was got, and let the engine trade again."""
    try:
        reports = [faults(stack, service, examples, folder) for service in stack.urls]
    finally:
        with stack.client("alerts") as alerts, stack.client("engine") as engine:
            alerts.post("/v1/breaker/resume", json={"by": "attack", "reason": "the attack is over"})
            engine.post("/v1/control/resume", json={"actor": "attack", "reason": "the attack is over"})
    logs = [path.name for path in stack.layout.logs.glob("*.log") if "Traceback" in path.read_text(errors="replace")]
    if any(reports) or logs:
        return "\n".join([*filter(None, reports), f"tracebacks in {logs}"])
    return "no 5xx, no undocumented response, no traceback in a log"


@attack(
    "Send generated requests, valid and not, to every operation of the five OpenAPI documents",
    expects="no 5xx, no undocumented response, no traceback in a log",
)
def test_generated_requests(quiet_stack: AttackedStack, tmp_path: Path) -> str:
    return attack_every_service(quiet_stack, EXAMPLES, tmp_path)


@pytest.mark.slow
@attack(
    "The same with 150 requests for each operation (`make test-all`)",
    expects="no 5xx, no undocumented response, no traceback in a log",
)
def test_many_generated_requests(quiet_stack: AttackedStack, tmp_path: Path) -> str:
    return attack_every_service(quiet_stack, MANY_EXAMPLES, tmp_path)
