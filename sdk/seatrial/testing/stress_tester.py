"""Stress tests of an engine object, under the guide's path."""


class NotYet(NotImplementedError):
    """A part that a later release brings; nothing pretends to have run."""


class StressTester:
    """Will run the four plans high_frequency, memory_under_load, concurrent_trades and api_failure.

    Args:
        engine: The engine under test; it needs `process_signal(dict)`.
    """

    def __init__(self, engine: object) -> None:
        if not callable(getattr(engine, "process_signal", None)):
            raise TypeError(f"an engine under stress needs process_signal(dict), {type(engine).__name__} has none")
        self.engine = engine

    def run_stress_tests(self) -> dict[str, object]:
        """Refuse: this release has no stress tests, and a made-up verdict would be worse than none."""
        raise NotYet("stress tests are not part of this release; unit tests and backtests are")
