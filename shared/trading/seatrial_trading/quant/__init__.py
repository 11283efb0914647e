"""Formulas: indicators, sizing, statistics; values in, values out."""
