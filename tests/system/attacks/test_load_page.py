"""Attacks on the load page, its session, and the port of the Locust process behind it."""

import httpx
import psutil
from tests.support.waiting import wait_until
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack


def page(stack: AttackedStack) -> httpx.Client:
    """Return a browser at the load page."""
    return httpx.Client(base_url=stack.load_page, trust_env=False, timeout=30, headers={"Accept": "text/html"})


def log_in(browser: httpx.Client, token: str) -> httpx.Response:
    """Send the login form."""
    return browser.post("/login", data={"token": token})


def locust_port(stack: AttackedStack) -> int:
    """Return the port on which the Locust process of the stack listens."""
    stress = stack.process("stress")
    listening = wait_until(
        lambda: [port for child in stress.children() if "--web-port" in child.cmdline() for port in ports(child)]
    )
    return listening[0]


def ports(process: psutil.Process) -> list[int]:
    """Return the ports a process listens on."""
    try:
        connections = process.net_connections("tcp")
    except psutil.Error:  # it has ended
        return []
    return [item.laddr.port for item in connections if item.status == psutil.CONN_LISTEN]


@attack("Read the cookie of a load page login", expects="a random id, HttpOnly, SameSite=Strict; not the token")
def test_cookie(stack: AttackedStack) -> str:
    with page(stack) as browser:
        answer = log_in(browser, stack.token)
    header = answer.headers["set-cookie"].lower()
    assert answer.status_code == 303, answer.text
    assert stack.token.lower() not in header
    name = f"seatrial_session_{stack.load_page.rpartition(':')[2]}"
    identity = answer.cookies[name]
    assert len(identity) >= 43
    flags = [flag for flag in ("HttpOnly", "SameSite=Strict") if flag.lower() in header]
    return f"a random id, {', '.join(flags)}; not the token"


@attack("Use a stolen session after its owner has logged out", expects="the login form, with 401")
def test_ended_session(stack: AttackedStack) -> str:
    with page(stack) as browser, page(stack) as thief:
        log_in(browser, stack.token)
        thief.cookies.update(browser.cookies)
        assert "login" not in thief.get("/stats/requests").text
        browser.post("/logout")
        answer = thief.get("/")
    assert "<form" in answer.text
    return f"the login form, with {answer.status_code}"


@attack("Log in with a wrong token", expects="401 and the form again, with a sentence")
def test_wrong_login(stack: AttackedStack) -> str:
    with page(stack) as browser:
        answer = log_in(browser, "a-wrong-token-of-some-length")
    has_sentence = 'role="alert"' in answer.text and "<form" in answer.text
    return f"{answer.status_code} and the form again, {'with' if has_sentence else 'without'} a sentence"


@attack(
    "Start load at Locust's own port from another account, at an address of the attacker",
    expects="403 for every path; nothing was sent",
)
def test_raw_port(stack: AttackedStack) -> str:
    with page(stack) as browser:
        log_in(browser, stack.token)
        wait_until(lambda: browser.get("/").status_code == 200, 60)
    address = f"http://127.0.0.1:{locust_port(stack)}"
    form = {"user_count": "1", "spawn_rate": "1", "host": "http://127.0.0.1:9", "user_classes": "HighFrequency"}
    statuses = {
        httpx.get(f"{address}{path}", trust_env=False).status_code for path in ("/", "/logs", "/stats/requests")
    }
    statuses |= {httpx.post(f"{address}/swarm", data=form, trust_env=False).status_code}
    statuses |= {httpx.post(f"{address}/swarm", data=form, headers={"Seatrial-Page-Secret": ""}).status_code}
    return f"{statuses.pop()} for every path; nothing was sent" if len(statuses) == 1 else str(sorted(statuses))
