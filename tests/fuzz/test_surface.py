"""schemathesis: whatever a client makes of docs/openapi.yaml, the service answers as described there."""

from __future__ import annotations

from bench.fuzz import surface


def test_the_service_does_what_is_described() -> None:
    figures = surface.check(examples=4, seed=20261122)

    assert figures.operations >= 49
    assert sum(figures.statuses.values()) > 400
    # Signed in, with links and tokens that work: not everything may end at the door.
    assert figures.statuses[200] > 20
    assert not [status for status in figures.statuses if status >= 500 and status != 503]
