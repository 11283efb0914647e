"""Reads price files into candles and checks their quality."""
