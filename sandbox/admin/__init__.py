"""The admin API: JSON for tests and demos, from this machine only. README.md lists the routes."""

from sandbox.admin import people, shared, steering
from sandbox.admin.common import blueprint, query
from sandbox.calls import world
from sandbox.faults import FaultSpec
from sandbox.state import World


def _written(here: World) -> bool:
    edits = here.edits.get(query("activity_id", int, 0), [])
    return any(edit.author.startswith("app ") for edit in edits)


shared.register(
    blueprint, world, fault=FaultSpec, limits=steering.limits, state=steering.state, written=_written,
    about=lambda delivery, object_id: delivery.event.get("object_id") == object_id,
)  # fmt: skip

# These two hang their routes on the blueprint when they are imported.
__all__ = ["blueprint", "people", "steering"]
