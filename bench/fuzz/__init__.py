"""Mutated inputs against the whole web service in process, and against the readers of scenario files and the catalogue.

`python -m bench.fuzz --help`. An input is made from nothing but the seed and its number, so both together bring it back.
"""
