"""`python -m tools.containers [--keep]`: builds, starts, connects, breaks and restores the containers; prints a table.

Takes ten minutes and any engine that `docker` reaches; needs Compose and a Debian or an installed Prometheus. Exit code 1
when a step did not show what it should.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tools.containers import alerts
from tools.containers.stack import PROJECT, Failed, Stack, prepare, run, until

_SCRAPED = "query?query=adductor_note_seconds_count"


def build(stack: Stack) -> str:
    stack.compose("down", "--volumes", "--timeout", "5")  # what an earlier try has left
    run(["docker", "build", "--tag", "adductor-coach", str(stack.work)])
    size = int(run(["docker", "image", "inspect", "--format", "{{.Size}}", "adductor-coach"]))
    return f"image of {size / 1e6:.0f} MB"


def start(stack: Stack) -> str:
    # Caddy's folder belongs to root in its own image; an image that stands in for it may give it to another user.
    mount = f"{PROJECT}_caddy-data:/caddy"
    run(["docker", "run", "--rm", "--user", "0", "--volume", mount, "adductor-coach", "mkdir", "-p", "/caddy/caddy"])
    stack.compose("up", "-d", "--wait", "caddy", "strava")
    authority = stack.compose("exec", "-T", "caddy", "cat", "/data/caddy/pki/authorities/local/root.crt")
    (stack.work / "ca" / "root.crt").write_bytes(authority)
    stack.compose("up", "-d", "--wait")
    stack.ask("POST", "switches", tier=alerts.LARGE)
    stack.compose("exec", "-T", "web", "adductor", "strava", "subscribe")
    doctor = stack.compose("exec", "-T", "web", "adductor", "doctor").decode()
    return f"all services healthy; doctor: {doctor.strip().splitlines()[-1]}"


def find_note(stack: Stack) -> str:
    return f"the note stands {stack.wait_for_notes(stack.record(1)):.1f} s after the run, over https"


def scrape(stack: Stack) -> str:
    until(lambda: stack.prometheus(_SCRAPED)["result"], "Prometheus has our metrics", 60)
    statuses = stack.inside("status", "metrics"), stack.inside("status", "metrics", stack.token)
    if statuses != (404, 200):
        raise Failed(f"/metrics without and with a token: {statuses}")
    return "Prometheus has them with its token; without one 404"


def restart_worker(stack: Stack) -> str:
    activities = stack.record(3)
    stack.compose("restart", "worker")
    activities += stack.record(2)
    return f"5 runs around it, one note each, the last {stack.wait_for_notes(activities):.1f} s later"


def restart_broker(stack: Stack) -> str:
    stack.compose("pause", "worker")
    activities = stack.record(3)
    stack.compose("kill", "redis")
    stack.compose("up", "-d", "--wait", "redis")
    stack.compose("unpause", "worker")
    return f"3 runs whose messages were not acknowledged, one note each after {stack.wait_for_notes(activities):.1f} s"


def restore(stack: Stack) -> str:
    """As docs/backup.md says, with the database's volume gone in between."""
    before = stack.record(1)
    stack.wait_for_notes(before)
    dump = stack.compose("exec", "-T", "postgres", "pg_dump", "-U", "coach", "--format=custom", "coach")
    after = stack.record(1)
    stack.wait_for_notes(after)
    stack.compose("rm", "--stop", "--force", "web", "worker", "beat", "migrate", "postgres")
    run(["docker", "volume", "rm", f"{PROJECT}_postgres"])
    stack.compose("up", "-d", "--wait", "postgres")
    stack.compose(
        "exec", "-T", "postgres", "pg_restore", "-U", "coach", "--exit-on-error", "--dbname=coach", stdin=dump
    )
    stack.compose("up", "-d", "--wait")
    for activity in (*before, *after):
        stack.ask("POST", f"activities/{activity}/announce")
    fresh = stack.record(1)
    took = stack.wait_for_notes([*before, *after, *fresh])
    return f"dump of {len(dump) / 1000:.0f} kB; old runs keep one note, a new one has its own after {took:.1f} s"


STEPS: tuple[tuple[str, Callable[[Stack], str]], ...] = (
    ("build", build),
    ("start", start),
    ("record a run", find_note),
    ("scrape", scrape),
    ("restart the worker", restart_worker),
    ("kill the broker", restart_broker),
    ("back up, wipe, restore", restore),
    ("fire each alert", alerts.fire_all),
)


def main() -> int:
    """Run the steps in order; the first that fails ends them."""
    parser = argparse.ArgumentParser(prog="python -m tools.containers", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running for a look")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="adductor-containers-"))
    stack = prepare(work)
    try:
        for name, step in STEPS:
            began = time.monotonic()
            seen = step(stack)
            print(f"| {name} | {seen} | {time.monotonic() - began:.0f} s |", flush=True)
    except Failed as failed:
        print(
            f"{name}: {failed}\nlogs:\n{stack.compose('logs', '--no-color', '--tail', '4').decode()}", file=sys.stderr
        )
        return 1
    finally:
        if options.keep:
            print(f"left running from {work}")
        else:
            stack.compose("down", "--volumes", "--timeout", "20")
    return 0


if __name__ == "__main__":
    sys.exit(main())
