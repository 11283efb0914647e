"""Attacks with files that a user of the command line was sent: small ones that mean very large ones."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from tests.system.attacks.attack import attack
from tests.system.attacks.attacked_stack import AttackedStack

MAX_SECONDS = 20.0  # most of it is the start of the program on a busy machine
ROWS = 300_000
ALIASES = 12


def _parquet_of_long_texts(folder: Path) -> Path:
    path = folder / "texts.parquet"
    times = pa.DictionaryArray.from_arrays(pa.array(np.zeros(ROWS, dtype=np.int32)), pa.array(["x" * 100_000]))
    prices = dict.fromkeys(("open", "high", "low", "close"), np.ones(ROWS))
    parquet.write_table(pa.table({"time": times, **prices}), path)
    return path


def _parquet_of_lists(folder: Path) -> Path:
    path = folder / "lists.parquet"
    columns = {"time": [1], **{key: [1.0] for key in ("open", "high", "low")}, "close": [[1.0]]}
    parquet.write_table(pa.table(columns), path)
    return path


def _yaml_of_aliases(folder: Path) -> Path:
    path = folder / "aliases.yaml"
    lines = [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, ALIASES)]
    path.write_text("\n".join(["a0: &a0 {x: 1}", *lines]), encoding="utf-8")
    return path


@attack(
    "Have a user read Parquet of 30 GB in some kB or with lists for prices, and YAML rules whose aliases multiply",
    expects="exit code 2 with a sentence for all three, each within 20 s; the service takes no Parquet",
)
def test_files_that_expand(stack: AttackedStack, tmp_path: Path) -> str:
    prices = tmp_path / "prices.csv"
    prices.write_text("time,open,high,low,close\n2020-01-01,1,1,1,1\n", encoding="utf-8")
    bomb = _parquet_of_long_texts(tmp_path)
    runs = [(bomb, "macd"), (_parquet_of_lists(tmp_path), "macd"), (prices, str(_yaml_of_aliases(tmp_path)))]
    with stack.client("backtest") as backtest:
        headers = {"Content-Type": "text/csv"}
        upload = backtest.post("/v1/datasets?symbol=X", content=bomb.read_bytes(), headers=headers)
    results = [_refusal(data, strategy) for data, strategy in runs]
    refused = "exit code 2 with a sentence for all three, each within 20 s" if not any(results) else str(results)
    return f"{refused}; the service {'takes no' if upload.status_code == 422 else upload.text[:200]} Parquet"


def _refusal(data: Path, strategy: str) -> str:
    started = time.monotonic()
    command = [
        str(Path(sys.executable).with_name("seatrial")),
        "backtest",
        "run",
        "--data",
        str(data),
        "--strategy",
        strategy,
    ]
    done = subprocess.run(
        command, env=os.environ, cwd=data.parent, capture_output=True, text=True, timeout=90, check=False
    )
    message = " ".join(done.stderr.split())
    is_refused = done.returncode == 2 and ("at most" in message or "numbers, times" in message)
    is_fast = time.monotonic() - started < MAX_SECONDS
    return "" if is_refused and is_fast and "Traceback" not in done.stderr else f"{done.returncode}: {done.stderr}"
