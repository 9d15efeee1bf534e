"""Celery: thin tasks and the clock. A message is a wake-up call; what there is to do stands in the database."""
