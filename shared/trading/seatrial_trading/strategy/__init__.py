"""Strategies: the protocol, the registry, the built-in ones and the rule language; free of numba."""
