"""Short forms of `make fuzz` with a fixed seed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.fuzz.inputs import check_bodies, check_links, check_scenarios
from bench.fuzz.site import Site, site
from bench.fuzz.surface import check_surface

SEED = 20261128


@pytest.fixture(scope="module")
def here() -> Iterator[Site]:
    with site() as made:
        yield made
        made.check_log()


def test_bodies_spoilt_get_the_documented_status_and_only_valid_events_are_stored(here: Site) -> None:
    statuses = check_bodies(here, examples=400, seed=SEED)

    assert set(statuses) >= {200, 400}
    assert min(statuses[200], statuses[400]) > 50


def test_links_forged_open_nothing_and_change_no_row(here: Site) -> None:
    statuses = check_links(here, examples=150, seed=SEED)

    assert statuses[404] > 50


def test_scenario_files_spoilt_are_decided_or_refused_in_words() -> None:
    outcomes = check_scenarios(examples=200, seed=SEED)

    assert outcomes["refused"] > 50
    assert outcomes["decided"] > 5


def test_surface_described_is_the_surface_served(here: Site) -> None:
    operations, statuses = check_surface(here, examples=3, seed=SEED)

    assert operations >= 49
    # Signed in, with links and tokens that work: not everything may end at the door.
    assert statuses[200] > 10
    assert not [status for status in statuses if status >= 500 and status != 503]
