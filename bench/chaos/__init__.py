"""Chaos test: real processes killed at random, a Strava that fails, then the accounting."""
