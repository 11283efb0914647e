"""The parts of the performance monitor: options, account figures, metrics page, thresholds and notifications."""
