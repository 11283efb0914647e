"""Prepares strategies and callbacks for the look-ahead check."""
