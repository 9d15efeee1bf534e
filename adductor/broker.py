"""Health check of the broker: whether it takes a write, and its own words where it doesn't."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

IS_CLUSTER = "is a Redis Cluster, which Celery's queues can't use; give a Redis without cluster mode"
# A write that expires: a full or read-only Redis still answers a ping. Two keys: a cluster keeps them in two places.
_PROBE_KEYS = ("adductor:looked-at", "adductor:looked-at-too")
_PROBE_KEPT_FOR_S = 60
# As redis-py names it: "Error 111 connecting to 10.0.0.7:6379. Connection refused."
_ADDRESS = re.compile(r" (?:to|from) \S*[:/]\S*?(?=\.?(?:\s|$))")


def find_problem(client: Redis | None) -> str | None:
    """None when the broker works; else why not, in its own words (READONLY, OOM, BUSY, NOPERM) and without its address."""
    from redis import exceptions

    if client is None:
        return "is not set"
    try:
        client.set(_PROBE_KEYS[0], 1, ex=_PROBE_KEPT_FOR_S)
        client.exists(*_PROBE_KEYS)
    except (exceptions.ClusterCrossSlotError, exceptions.MovedError):
        return IS_CLUSTER
    except (exceptions.ResponseError, exceptions.AuthenticationError, exceptions.BusyLoadingError) as error:
        return f"refuses: {error}"
    except (exceptions.RedisError, OSError) as error:
        return f"does not answer ({words_of(error)})"
    return None


def words_of(error: Exception) -> str:
    """The words of Redis, or of the way to it, without an address or a path."""
    return _ADDRESS.sub("", str(error)).strip() or type(error).__name__
