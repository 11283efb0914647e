"""Bounds of a result over the ways an ambiguous bar may have gone."""
