"""Compiled code is never stale: numba looks at one file, the cache folder at all of them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import seatrial_trading

PROGRAM = """
from seatrial_trading.matching.price_path import exit_on_path
from seatrial_trading.matching.kernel import step
from seatrial_trading.matching.order_entry import place_order
from seatrial_trading.matching import ExecutionConfig, layout
import numpy as np
config = ExecutionConfig(taker_fee_rate=0.0, sizing="fixed:1")
state, packed, rows = config.new_state(), config.pack(), np.empty((2, layout.T_SIZE))
step(state, packed, rows, 100.0, 101.0, 99.0, 100.0)
nan = float("nan")
place_order(state, packed, 1.0, False, 95.0, 105.0, nan, 1.0, 0, nan, nan, 0.0, 0.0, nan)
step(state, packed, rows, 100.0, 101.0, 94.0, 96.0)
print(rows[0, 4])
"""


def answer(root: Path, cache: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(root), "SEATRIAL_NUMBA_CACHE_DIR": str(cache)}
    environment.pop("NUMBA_DISABLE_JIT", None)
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_an_edited_callee_gives_the_new_number(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    copy, cache = tmp_path / "seatrial_trading", tmp_path / "cache"
    shutil.copytree(Path(seatrial_trading.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = answer(tmp_path, cache)
    walk = copy / "matching" / "price_path.py"
    text = walk.read_text()
    edited = text.replace("PathOutcome(reason, level, peak,", "PathOutcome(reason, level - 1.0, peak,")
    assert edited != text

    walk.write_text(edited)

    assert before == "95.0"
    assert answer(tmp_path, cache) == "94.0"
