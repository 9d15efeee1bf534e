"""One file a job: from a stored event to a note that stands."""
