"""Attacks with uploads that cost far more to read than to send."""

from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

MEGABYTE = 1 << 20
GROWTH_MEGABYTES = 300  # of the service itself; the processes that read uploads have a limit of 768 MiB
HEADER = "timestamp,open,high,low,close,volume\n"


@attack(
    "Upload datasets of 24 MB: rows without values, a row of commas, times without prices, nested arrays",
    expects="4xx for all, with a sentence; the service grows by less than 300 MB",
)
def test_datasets(stack: AttackedStack) -> str:
    size = 24 * MEGABYTE
    csv_bodies = [HEADER + "1\n" * (size // 2), HEADER + "," * size]
    times = ",".join(["1"] * (size // 2))
    json_bodies = [
        '{"symbol":"X","candles":{"time":[' + times + '],"open":[],"high":[],"low":[],"close":[]}}',
        '{"symbol":"X","candles":{"time":' + "[" * size + "}}",
    ]
    process = stack.process("backtest")
    before = process.memory_info().rss
    answers = []
    with stack.client("backtest") as backtest:
        for media_type, bodies in (("text/csv", csv_bodies), ("application/json", json_bodies)):
            for body in bodies:
                headers = {"Content-Type": media_type}
                answers.append(backtest.post("/v1/datasets?symbol=X", content=body, headers=headers, timeout=90))
    growth = (process.memory_info().rss - before) / MEGABYTE
    refused = all(400 <= answer.status_code < 500 and answer.json()["detail"] for answer in answers)
    statuses = "4xx for all, with a sentence" if refused else str([answer.text[:200] for answer in answers])
    return f"{statuses}; the service grows by {'less' if growth < GROWTH_MEGABYTES else 'more'} than 300 MB"
