"""From a stored event to a note that stands: claim, decide, deliver, sweep. Every step can be repeated after a crash."""
