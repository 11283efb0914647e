"""Attacks by the target of a stress run: an address that is read in two ways, and a listener next to the engine."""

from tests.support.http_stub import RecordedRequest, StubResponse, http_stub
from tests.support.waiting import wait_until
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

# Another account of this machine may listen here, at the port of the engine too.
NEXT_TO_THE_ENGINE = "127.0.0.2"
PLAN = {
    "name": "planted",
    "rate_per_second": 30,
    "duration_seconds": 1,
    "warm_up_seconds": 0,
    "timeout_seconds": 1,
    "slos": [{"quantile": 0.95, "seconds": 6}],
}


def spellings(engine: str, port: int) -> list[str]:
    """Return addresses that some program reads as `port` of this machine, although they are not its canonical name."""
    return [
        f"http://2130706433:{port}",
        f"http://0x7f000001:{port}",
        f"http://0177.0.0.1:{port}",
        f"http://127.1:{port}",
        f"http://0.0.0.0:{port}",
        f"http://[::]:{port}",
        f"http://x.localhost:{port}",
        f"http://127。0。0。1:{port}",
        f"http://127.0.0.%31:{port}",
        f"{engine}@127.0.0.1:{port}",
        f"{engine}#@127.0.0.1:{port}",
        f"{engine}\\@127.0.0.1:{port}",
        f"http://:x@127.0.0.1:{port}",
        f"http://127.0.0.1\t:{port}",
    ]


@attack(
    "Start a stress run at an address in 14 spellings that two programs read differently",
    expects="14 refused; nothing received",
)
def test_spellings(stack: AttackedStack) -> str:
    refused = 0
    with http_stub() as listener, stack.client("stress") as client:
        for target in spellings(stack.urls["engine"], listener.port):
            answer = client.post("/v1/runs", json={"plan": PLAN, "target": target})
            assert answer.status_code in (403, 422), f"{target}: {answer.status_code} {answer.text}"
            refused += 1
        received = len(listener.requests)
    return f"{refused} refused; {received or 'nothing'} received"


@attack(
    "Start a stress run at a listener on the engine's port of 127.0.0.2 that redirects to another one",
    expects="load without a token; the redirect was not followed",
)
def test_listener_next_to_the_engine(stack: AttackedStack) -> str:
    engine_port = int(stack.urls["engine"].rpartition(":")[2])
    with http_stub() as elsewhere, stack.client("stress") as client:

        def redirect(_: RecordedRequest) -> StubResponse:
            return StubResponse(307, headers={"Location": f"{elsewhere.url}/v1/signals"})

        with http_stub(redirect, engine_port, NEXT_TO_THE_ENGINE) as listener:
            answer = client.post("/v1/runs", json={"plan": PLAN, "target": listener.url})
            assert answer.status_code == 202, answer.text
            path = f"/v1/runs/{answer.json()['id']}"
            wait_until(lambda: client.get(path).json()["status"] == "finished", 30)
        received = listener.requests
    assert any(request.path == "/v1/signals" for request in received)
    tokens = {request.headers.get("Authorization") for request in received} - {None}
    followed = "followed" if elsewhere.requests else "not followed"
    return f"load {'with' if tokens else 'without'} a token; the redirect was {followed}"
