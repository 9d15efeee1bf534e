"""The tasks: each calls one function of the pipeline."""

from __future__ import annotations

from adductor.pipeline import prompts
from adductor.pipeline import sweep as rounds
from workers.app import app, installation


@app.task(name="wake")
def wake(ids: list[int]) -> None:
    """Events have come: handle these. Also what a crowded moment left behind, until nothing of them waits."""
    for start in range(0, len(ids), rounds.BATCH):
        rounds.handle_events(installation(), ids[start : start + rounds.BATCH])


@app.task(name="sweep")
def sweep() -> None:
    """The round that needs no message: it finds what a lost one would have said."""
    rounds.sweep(installation())


@app.task(name="clock")
def clock() -> None:
    """Whose prompt time has come?"""
    while prompts.tick(installation()) == prompts.BATCH:
        pass


@app.task(name="expire")
def expire() -> None:
    """Delete what has been kept as long as it may be."""
    rounds.expire(installation())
