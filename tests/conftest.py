"""What all tests share. Fast tests come first; tests over real processes last."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.live import Live, installation


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What can be known in a second is known first."""
    items.sort(key=lambda item: ("processes" in item.keywords, "browser" in item.keywords))


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One installation for all tests that leave it as they found it; every test brings runners of its own."""
    with installation(tmp_path_factory.mktemp("live")) as running:
        yield running


@pytest.fixture
def own_live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """An installation of the test's own, to be treated badly."""
    with installation(tmp_path_factory.mktemp("own")) as running:
        yield running
