"""Which event, if any, a change sends to the application.

Source: Strava, "Webhook Events API". `updates` has string values; edits of description and private note are
silent; without `activity:read_all` a switch to private looks like a deletion and back like a creation.
"""

from __future__ import annotations

from typing import Any

from sandbox.models import Activity, Connection
from sandbox.sports import activity_type
from sandbox.state import World


def _send(world: World, connection: Connection, object_type: str, object_id: int, aspect: str, updates: Any) -> None:
    if world.subscription is None:
        return
    world.courier.send(
        {
            "aspect_type": aspect,
            "event_time": int(world.clock.now()),
            "object_id": object_id,
            "object_type": object_type,
            "owner_id": connection.runner_id,
            "subscription_id": world.subscription.id,
            "updates": updates,
        }
    )


def may_see(connection: Connection, *, only_me: bool) -> bool:
    """Whether the granted scopes show an activity: `activity:read` all but those for "only me"."""
    if "activity:read_all" in connection.scopes:
        return True
    return "activity:read" in connection.scopes and not only_me


def created(world: World, activity: Activity) -> None:
    connection = world.connection(activity.runner_id)
    if connection is not None and may_see(connection, only_me=activity.only_me):
        _send(world, connection, "activity", activity.id, "create", {})


def deleted(world: World, activity: Activity) -> None:
    connection = world.connection(activity.runner_id)
    if connection is not None and may_see(connection, only_me=activity.only_me):
        _send(world, connection, "activity", activity.id, "delete", {})


def updated(world: World, activity: Activity, changed: set[str], *, was_only_me: bool) -> None:
    """`changed` names the fields of `Activity` that are different now."""
    connection = world.connection(activity.runner_id)
    if connection is None:
        return
    could, can = (may_see(connection, only_me=private) for private in (was_only_me, activity.only_me))
    if could != can:
        _send(world, connection, "activity", activity.id, "create" if can else "delete", {})
        return
    if not can:
        return
    updates: dict[str, str] = {}
    if "name" in changed:
        updates["title"] = activity.name
    if "sport_type" in changed:
        updates["type"] = activity_type(activity.sport_type)
    if was_only_me != activity.only_me:
        updates["private"] = "true" if activity.only_me else "false"
    if updates:
        _send(world, connection, "activity", activity.id, "update", updates)


def deauthorized(world: World, connection: Connection) -> None:
    _send(world, connection, "athlete", connection.runner_id, "update", {"authorized": "false"})
