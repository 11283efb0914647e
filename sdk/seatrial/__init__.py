"""Watch a trading engine in production and prove it before it trades."""
