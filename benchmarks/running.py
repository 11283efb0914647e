"""Starts contenders, runs those of a workload alternately, and collects their output."""

import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.plan import OURS, Contender, Entry, Workload

ROOT = Path(__file__).resolve().parent.parent
SIDES = ROOT / "benchmarks" / "contenders"
ONE_THREAD = dict.fromkeys(("NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
MAX_ROWS_PER_PASS = 5
MAX_SECONDS = 600  # a contender that says nothing for so long has failed
TURN_SECONDS = 1.0
Facts = dict[str, Any]  # Any: JSON
Say = Callable[[str], None]


class Failed(Exception):
    """A contender ended early; its last words are the message."""


class Side:
    """One contender on one task: a separate process that runs on command."""

    def __init__(self, entry: Entry, bars_file: Path, bars: int) -> None:
        self.entry = entry
        self.runs: list[Facts] = []
        # A pipe without a reader would fill up.
        self._words = tempfile.TemporaryFile("w+")  # noqa: SIM115  open as long as the process runs
        self._process = subprocess.Popen(
            command(entry.contender, entry.task, bars_file, min(bars, entry.max_bars)),
            env=environment(entry.contender),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            text=True,
        )
        self.opening = self._answer()

        # Quick ones run a few times a turn: with one run each they would measure the caches that others left behind.
        self.burst = max(1, min(MAX_ROWS_PER_PASS, round(TURN_SECONDS / self.opening["warm"]["wall"])))

    def turn(self) -> None:
        """Run once more, or a few times."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{self.burst}\n")
        self._process.stdin.flush()
        self.runs += [self._answer() for _ in range(self.burst)]

    def end(self) -> Facts:
        """End the process and return medians, extremes, memory, versions and results."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        closing = self._answer()
        self._process.wait(timeout=60)
        return {**summary(self.runs, self.opening), **closing}

    def stop(self) -> None:
        """End the process whatever it does."""
        self._process.kill()
        self._process.wait()
        self._words.close()

    def _answer(self) -> Facts:
        assert self._process.stdout is not None
        ending = threading.Timer(MAX_SECONDS, self._process.kill)
        ending.start()
        line = self._process.stdout.readline()
        ending.cancel()
        if not line:
            self._words.seek(0)
            lines = self._words.read().strip().splitlines()
            raise Failed(lines[-1] if lines else f"ended without output, or gave none for {MAX_SECONDS} s")
        answer: Facts = json.loads(line)
        return answer


def command(contender: Contender, task: str, bars_file: Path, bars: int) -> list[str]:
    """Return what starts a contender."""
    python = ROOT / contender.home / "bin" / "python"
    return [str(python), str(SIDES / contender.script), task, str(bars_file), str(bars)]


def environment(contender: Contender) -> dict[str, str]:
    """Return the variables a contender runs under: one thread, bytecode kept, and which of its engines."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **ONE_THREAD, "SEATRIAL_BENCH_ENGINE": contender.engine}


def summary(runs: list[Facts], opening: Facts) -> Facts:
    """Return medians and extremes of the runs; their results must not differ."""
    walls, cpus = [run["wall"] for run in runs], [run["cpu"] for run in runs]
    bars, result = opening["bars"], runs[-1]["result"]
    steady = all(run["result"] == result for run in runs)
    return {
        "bars": bars,
        "repeats": len(runs),
        "wall_seconds": statistics.median(walls),
        "wall_seconds_min": min(walls),
        "wall_seconds_max": max(walls),
        "cpu_seconds": statistics.median(cpus),
        "first_seconds": opening["first"]["wall"],
        "seconds_a_bar": statistics.median(walls) / bars,
        "cpu_seconds_a_bar": statistics.median(cpus) / bars,
        "result": result,
        "same_every_time": steady,
        "versions": opening["versions"],
    }


def in_turn(workload: Workload, bars_file: Path, bars: int, repeats: int | None, say: Say) -> dict[str, Facts]:
    """Run every contender of a workload, A B C A B C, and return what each measured.

    Who repeats less often than others takes turns spread over the same time, because the machine's speed drifts.
    A rival that fails is reported as `not_measured` with its reason; the others continue.

    Args:
        workload: Whom and what.
        bars_file: The bars that all are given.
        bars: How many at most.
        repeats: Number of runs of each, None as planned.
        say: Called with each progress message.

    Raises:
        Failed: We failed ourselves.
    """
    contest = _Contest(workload, bars_file, bars, say)
    repeats_of = {entry.key: entry.max_repeats if repeats is None else repeats for entry in workload.entries}
    try:
        for key in repeats_of:
            contest.attempt(key, contest.begin)
        turns = max(repeats_of.values())
        for turn in range(turns):
            for key in list(contest.sides):
                if turn * repeats_of[key] // turns != (turn + 1) * repeats_of[key] // turns:
                    contest.attempt(key, contest.turn)
        for key in list(contest.sides):
            contest.attempt(key, contest.end)
    finally:
        for side in contest.sides.values():
            side.stop()
    return {key: contest.measured[key] for key in repeats_of}


class _Contest:
    """The contenders of one workload that still run, and their measurements."""

    def __init__(self, workload: Workload, bars_file: Path, bars: int, say: Say) -> None:
        self.entries = {entry.key: entry for entry in workload.entries}
        self.sides: dict[str, Side] = {}
        self.measured: dict[str, Facts] = {}
        self._bars_file, self._bars, self._say = bars_file, min(bars, workload.bars), say

    def begin(self, key: str) -> None:
        self.sides[key] = Side(self.entries[key], self._bars_file, self._bars)
        self._say(f"  {key}: ready after {self.sides[key].opening['first']['wall']:.2f} s")

    def turn(self, key: str) -> None:
        self.sides[key].turn()

    def end(self, key: str) -> None:
        self.measured[key] = self.sides[key].end()

    def attempt(self, key: str, act: Callable[[str], None]) -> None:
        try:
            act(key)
        except (Failed, OSError) as error:
            if self.entries[key].contender is OURS:
                raise
            self.measured[key] = {"not_measured": str(error)}
            self._say(f"  {key}: not measured: {error}")
            if key in self.sides:
                self.sides.pop(key).stop()


def whole_processes(commands: dict[str, tuple[list[str], dict[str, str]]], repeats: int) -> dict[str, Facts]:
    """Time whole processes alternately, from start to end, after one run each to warm the caches."""
    walls: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(repeats + 1):
        for name, (words, variables) in commands.items():
            began = time.perf_counter()
            subprocess.run(words, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
            if turn:
                walls[name].append(time.perf_counter() - began)
    return {
        name: {"seconds": statistics.median(taken), "seconds_min": min(taken), "seconds_max": max(taken)}
        for name, taken in walls.items()
    }
