"""A few thousand spoilt scenario files and some catalogues: read, or refused with problems that say where."""

from __future__ import annotations

from bench.fuzz import files


def test_spoilt_files_are_read_or_refused_with_the_place() -> None:
    report = files.run(seed=20261122, scenarios=1_500, catalogues=60)

    for kind in ("scenario files", "catalogues"):
        # Of both: what only refuses, or only takes, has looked at nothing.
        assert report.outcomes[kind, "read"] > 0
        assert report.outcomes[kind, "refused"] > 30
    assert set(report.slowest_s) == {"scenario files", "catalogues"}
