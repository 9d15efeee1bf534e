"""Benchmarks, a year of coaching, mutation testing, chaos and fuzzing. Not installed with the product."""
