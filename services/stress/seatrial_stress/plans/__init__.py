"""Load plans, their schedules and their permitted targets."""
