"""What stands behind the metrics collector: checks, counts, the buffer, the spill and the one sender of a process."""
