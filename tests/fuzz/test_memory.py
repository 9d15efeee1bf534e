"""What strangers may make the service keep in memory has an end, and a near one."""

from __future__ import annotations

import gc
import itertools
import tracemalloc

from adductor import drawings

MOST_MB = 12


def test_made_up_selections_of_drawings_fill_no_memory() -> None:
    everything = sorted(drawings.exercise_ids())
    # All but two, in every way: the largest sheets of which there are many.
    selections = [tuple(sorted(set(everything) - set(pair))) for pair in itertools.combinations(everything, 2)]
    drawings.stylesheet()
    gc.collect()
    tracemalloc.start()
    try:
        for selection in selections:
            drawings.stylesheet(*selection)
        gc.collect()
        held_mb = tracemalloc.get_traced_memory()[0] / 2**20
    finally:
        tracemalloc.stop()

    assert len(selections) > 150
    assert held_mb < MOST_MB
