"""Pure rules of the engine: accounts, order intents, risk limits, fills."""
