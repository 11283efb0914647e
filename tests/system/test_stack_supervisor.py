"""`up` as a process over a real database and stand-in services: restarts, order, stale processes, refusals."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
from tests.support.ports import free_port, free_ports
from tests.support.waiting import wait_until

from seatrial.stack import background, down
from seatrial.stack.errors import StackError
from seatrial.stack.layout import Layout
from seatrial.stack.postgres import database, postmaster
from seatrial.stack.processes import record, stale_processes
from seatrial.stack.processes.readiness import answers_ready

pytestmark = pytest.mark.system

UP = Path(__file__).with_name("stack_up.py")


class Up:
    """A folder, and the `up` processes that a test starts in it."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)
        self.ports = dict(zip(("first", "second"), free_ports(2), strict=True))
        self.output = folder / "output.txt"
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, **variables: str) -> "subprocess.Popen[bytes]":
        """Start `up` and return at once."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SEATRIAL_")}
        with self.output.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, str(UP), str(self.layout.root)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**kept, **self.variables, **variables},
            )
        self._children.append(child)
        return child

    def start_and_wait(self) -> "subprocess.Popen[bytes]":
        """Start `up` and return when everything is ready."""
        child = self.start()
        wait_until(lambda: "all is ready" in self.said or child.poll() is not None, describe=lambda: self.said)
        assert child.poll() is None, self.said
        return child

    def run(self, **variables: str) -> int:
        """Run `up` until it ends by itself."""
        return self.start(**variables).wait(timeout=30)

    @property
    def variables(self) -> dict[str, str]:
        """Return the variables with the ports of the stand-ins."""
        return {f"SEATRIAL_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}

    @property
    def said(self) -> str:
        """Return what `up` printed, in one line."""
        return " ".join(self.output.read_text(errors="replace").split())

    def pid(self, service: str) -> int:
        """Return the recorded pid of a part."""
        noted = record.read(self.layout.run, service)
        assert noted is not None
        return noted.pid

    def processes(self) -> list[psutil.Process]:
        """Return every live process of the stack but `up` itself."""
        noted = (entry.process for entry in record.read_all(self.layout.run) if entry.service != "up")
        return [process for process in noted if process is not None]

    def clean(self) -> None:
        """End what still runs and delete the folder's stack."""
        for child in self._children:
            if child.poll() is None:
                child.kill()
            child.wait()
        down.remove(self.layout)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """Yield a folder to start stacks in."""
    made = Up(tmp_path)
    yield made
    made.clean()


def test_crashed_service_is_restarted_and_announced(up: Up) -> None:
    up.start_and_wait()
    killed = up.pid("first")

    os.kill(killed, signal.SIGKILL)

    wait_until(
        lambda: "first: ended unexpectedly (signal 9); starting it again in 0.5 s" in up.said, describe=lambda: up.said
    )
    wait_until(lambda: up.said.count("first: ready on") == 2, describe=lambda: up.said)
    assert up.pid("first") != killed


def test_killed_database_is_restarted_at_the_same_address(up: Up) -> None:
    up.start_and_wait()
    before = record.read(up.layout.run, "postgres")
    assert before is not None

    os.kill(before.pid, signal.SIGKILL)

    wait_until(lambda: "postgres: is running again" in up.said, describe=lambda: up.said)
    after = record.read(up.layout.run, "postgres")
    assert after is not None
    assert after.pid != before.pid
    assert after.port == before.port


def test_services_restart_with_the_new_address_of_a_restarted_database(up: Up) -> None:
    up.start_and_wait()
    services = {name: up.pid(name) for name in up.ports}
    new_folder = Path(tempfile.mkdtemp(prefix="seatrial-"))
    (up.layout.postgres / "socket-folder").write_text(f"{new_folder}\n")

    os.kill(up.pid("postgres"), signal.SIGKILL)

    wait_until(lambda: "postgres: has a new address; restarting the services" in up.said, describe=lambda: up.said)
    wait_until(lambda: all(up.said.count(f"{name}: ready on") == 2 for name in up.ports), describe=lambda: up.said)
    assert all(up.pid(name) != pid for name, pid in services.items())
    address = database.embedded_url(up.layout)
    assert address is not None
    assert f"host={new_folder}&" in address


def test_signal_during_the_start_leaves_nothing_running(up: Up) -> None:
    starting = up.start()
    wait_until(lambda: "postgres: ready" in up.said, describe=lambda: up.said)

    starting.send_signal(signal.SIGTERM)

    assert starting.wait(timeout=20) == 0
    assert not list(up.layout.run.glob("*.json"))
    assert postmaster.process(up.layout.postgres.resolve() / "data") is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_stops_everything_in_reverse_order(up: Up, number: signal.Signals) -> None:
    running = up.start_and_wait()
    processes = up.processes()

    running.send_signal(number)

    assert running.wait(timeout=20) == 0
    assert up.said.index("second: stopping") < up.said.index("first: stopping")
    assert len(processes) == 3
    assert not any(process.is_running() for process in processes)
    assert not list(up.layout.run.glob("*.json"))


def test_killed_supervisor_leaves_nothing_running(up: Up) -> None:
    running = up.start_and_wait()
    processes = up.processes()
    data = up.layout.postgres.resolve() / "data"

    running.kill()
    running.wait()

    wait_until(lambda: not any(process.is_running() for process in processes))
    wait_until(lambda: postmaster.process(data) is None)
    assert len(processes) == 3


def test_next_start_stops_what_an_earlier_one_left(up: Up) -> None:
    up.layout.make()
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]) as left:
        record.write(up.layout.run, record.ProcessLabel("first", up.ports["first"]), left.pid)

        up.start_and_wait()

        assert left.wait(timeout=5) == -signal.SIGTERM
        assert "first: was left running by an earlier `seatrial up`" in up.said


def test_reused_pid_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]) as stranger:
        noted = record.write(tmp_path, record.ProcessLabel("first"), stranger.pid)
        older = {"service": "first", "pid": noted.pid, "port": 1, "start_time": noted.start_time - 100}
        (tmp_path / "first.json").write_text(json.dumps(older))

        stopped = stale_processes.stop(tmp_path)

        assert stopped == []
        assert stranger.poll() is None
        stranger.kill()


def test_second_start_in_the_same_folder_is_refused(up: Up) -> None:
    running = up.start_and_wait()
    first_output = up.said

    code = up.run()

    assert "all is ready" in first_output
    assert code == 1
    assert f"Seatrial is already running in {up.layout.root} (process {running.pid})" in up.said
    assert "stop it with `seatrial down`" in up.said
    assert running.poll() is None


def test_taken_port_names_its_holder_and_the_variable(up: Up) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", up.ports["second"]))
        stranger.listen()

        code = up.run()

    assert code == 1
    assert f"Port {up.ports['second']} of second is taken by process {os.getpid()}" in up.said
    assert "set SEATRIAL_SECOND_PORT to a free port" in up.said
    assert "postgres: starting" not in up.said


def test_service_that_refuses_its_settings_ends_the_start_with_its_sentence(up: Up) -> None:
    sentence = "the cheese is not ripe; set STANDIN_CHEESE"
    code = up.run(SEATRIAL_PASS_VARIABLES="STANDIN_REFUSES", STANDIN_REFUSES=sentence)

    assert code == 2
    assert "starting it again" not in up.said
    assert "refuses to start: the cheese is not ripe; set STANDIN_CHEESE" in up.said
    assert up.processes() == []


def test_unreachable_database_is_one_sentence_without_the_password(up: Up) -> None:
    port = free_port()

    code = up.run(SEATRIAL_DATABASE_URL=f"postgresql://me:hidden-secret@127.0.0.1:{port}/books")

    assert code == 1
    assert f"The database of SEATRIAL_DATABASE_URL (127.0.0.1:{port}/books) cannot be reached" in up.said
    assert "hidden-secret" not in up.said
    assert "Traceback" not in up.said


def test_services_receive_database_tokens_and_peers(up: Up) -> None:
    import httpx

    up.start_and_wait()

    answer = httpx.get(f"http://127.0.0.1:{up.ports['first']}/health/ready").json()["environment"]

    token = up.layout.token.read_text().strip()
    assert up.layout.token.stat().st_mode & 0o777 == 0o600
    assert answer["SEATRIAL_TOKEN"] == ""
    assert answer["SEATRIAL_TOKENS"] == f"sha256:{sha256(token.encode()).hexdigest()}=admin,name:stack"
    assert answer["SEATRIAL_SECOND_URL"] == f"http://127.0.0.1:{up.ports['second']}"
    assert "SEATRIAL_DATABASE_URL" not in answer
    assert answer["SEATRIAL_STOP_WITH_PARENT"] == "1"


def test_down_stops_a_running_stack(up: Up) -> None:
    running = up.start_and_wait()

    stopped = down.stop(up.layout)

    assert sorted(stopped) == ["first", "postgres", "second"]
    assert running.wait(timeout=5) == 0
    assert not answers_ready("127.0.0.1", up.ports["first"])


def test_detached_stack_outlives_the_command_and_is_stopped_by_down(up: Up) -> None:
    script = (
        "import sys; from pathlib import Path; from seatrial.stack import background; "
        "from seatrial.stack.layout import Layout; "
        "background.launch(Layout(Path(sys.argv[1])), print, (sys.executable, sys.argv[2]))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script, str(up.layout.root), str(UP)],
        capture_output=True,
        text=True,
        env={**os.environ, **up.variables},
        check=True,
        timeout=30,
    )
    lines = ended.stdout.splitlines()
    alive = answers_ready("127.0.0.1", up.ports["first"])
    stopped = down.stop(up.layout)

    assert f"second: ready on http://127.0.0.1:{up.ports['second']}" in lines
    assert alive
    assert sorted(stopped) == ["first", "postgres", "second"]
    assert down.supervisor_pid(up.layout) is None


def test_detached_start_that_fails_says_why(up: Up) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", up.ports["second"]))
        stranger.listen()
        with pytest.MonkeyPatch.context() as patch, pytest.raises(StackError, match="set SEATRIAL_SECOND_PORT"):
            for name, value in up.variables.items():
                patch.setenv(name, value)
            background.launch(up.layout, lambda sentence: None, (sys.executable, str(UP)))
