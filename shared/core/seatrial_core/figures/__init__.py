"""Formulas for live figures and the type of a figure that may be undefined."""
