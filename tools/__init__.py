"""Generators of the pictures and examples in this repo; not installed."""
