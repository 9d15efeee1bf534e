"""The coach: catalogue, decision rules, progression and routine choice. Pure: no clock, no I/O, no randomness."""
