"""Ways to reach a runner: the note in the running log, and mail."""
