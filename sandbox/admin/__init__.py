"""The admin API: JSON for tests and demos, from this machine only. README.md lists the routes."""

from sandbox.admin import logs, people, steering
from sandbox.admin.common import blueprint

# The three hang their routes on the blueprint when they are imported.
__all__ = ["blueprint", "logs", "people", "steering"]
