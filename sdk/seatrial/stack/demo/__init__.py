"""The demo: real daily prices through engine, metrics, alerts and backtest, and a summary of what really happened."""
