"""What all tests share. Fast tests come first; tests over real processes last."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from adductor import metrics
from adductor.store import Store
from tests.support import databases, postgres
from tests.support.live import Live, installation

# The same examples on every machine and in every run, however slow: what fails is a bug, not bad luck.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort fast tests first, and keep the users of one module-scoped fixture on one pytest-xdist worker."""
    for item in items:
        if isinstance(item, pytest.Function) and _has_module_fixture(item):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))
    items.sort(key=lambda item: ("processes" in item.keywords, "xdist_group" not in item.keywords))


def _has_module_fixture(item: pytest.Function) -> bool:
    definitions = item._fixtureinfo.name2fixturedefs.values()
    return any(fixture.scope == "module" for found in definitions for fixture in found)


@pytest.fixture(scope="session", autouse=True)
def metrics_directory(tmp_path_factory: pytest.TempPathFactory) -> None:
    """This process counts in a directory that outlives every test's own folder."""
    metrics.use_directory(tmp_path_factory.mktemp("metrics"))


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One installation for all tests that leave it as they found it; every test brings runners of its own.

    Its Strava takes as many runners and calls as tests bring; what is about limits has installations of its own.
    """
    with installation(tmp_path_factory.mktemp("live")) as running:
        running.admin("POST", "tier", {"tier": "unlimited"})
        yield running


@pytest.fixture(params=["strava", "intervals"])
def platform(request: pytest.FixtureRequest, live: Live) -> Live:
    """The table of platforms: the test runs once with runners of each log."""
    return live.at(request.param)


@pytest.fixture
def own_live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """An installation of the test's own, to be treated badly."""
    with installation(tmp_path_factory.mktemp("own")) as running:
        yield running


_databases = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL server; yields the start of its URLs."""
    # Not in pytest's own folder: a second pytest run closes that to the server's user.
    with tempfile.TemporaryDirectory(prefix="adductor-postgres-") as folder, postgres.server(Path(folder)) as base:
        yield base


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A fresh, empty PostgreSQL database."""
    return postgres.new_database(postgres_server, f"coach_{next(_databases)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database of each kind that we support."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'coach.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def unused_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind for `databases.bring_up`: no file yet, or PostgreSQL's one migrated database without rows."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'coach.db'}"
    return databases.emptied(request.getfixturevalue("postgres_server"))


@pytest.fixture
def store(unused_url: str) -> Iterator[Store]:
    """A migrated database of each kind."""
    opened = Store(unused_url)
    databases.bring_up(opened)
    yield opened
    opened.close()
