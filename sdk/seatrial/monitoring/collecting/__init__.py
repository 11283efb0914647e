"""The parts behind the metrics collector: validation, counters, buffer, spill folder and the sender of a process."""
