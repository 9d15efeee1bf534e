"""Fuzzing in one process: hypothesis strategies and schemathesis against the whole web application and `adductor decide`."""
