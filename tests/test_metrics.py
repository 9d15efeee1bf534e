"""Every known series exists at 0; totals add up over processes and survive their ends."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from adductor import metrics
from adductor.athletes import channels
from adductor.coaching.rules import RULES
from adductor.coaching.situation import Decision
from adductor.platforms.base import Priority

# A process of ours that evaluates what it is told, line by line.
_PROCESS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from adductor import metrics

def event(outcome, count=1):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: metrics.EVENTS.labels(outcome).inc(), range(count)))

def total(name, *labels):
    return [
        sample.value for family in metrics.collect() for sample in family.samples
        if (sample.name.removeprefix("adductor_"), *sample.labels.values()) == (name, *labels)
    ]

metrics.use_directory(Path(sys.argv[1]))
for line in sys.stdin:
    print(eval(line), flush=True)
"""


class Process:
    """A process that counts into a directory."""

    def __init__(self, directory: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
        command = [sys.executable, "-c", _PROCESS, str(directory)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def tell(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "metrics"


@pytest.fixture
def start(directory: Path) -> Iterator[Callable[[], Process]]:
    with ExitStack() as started:

        def start_one() -> Process:
            process = Process(directory)
            started.callback(process.kill)
            return process

        yield start_one


@pytest.mark.processes
def test_totals_of_processes_and_threads_are_summed_with_every_known_series_at_zero(
    start: Callable[[], Process],
) -> None:
    one, other = start(), start()
    one.tell("event('post_run', 4000)")
    other.tell("event('post_run'), event('weekly_cap')")
    other.tell("metrics.NOTE_SECONDS.observe(-1)")  # of a clock that was set back

    totals = [one.tell(f"total('events_total', '{outcome}')") for outcome in ("post_run", "weekly_cap", "gave_up")]
    assert totals == ["[4001.0]", "[1.0]", "[0.0]"]
    assert other.tell("total('strava_calls_held_back_total', 'fresh')") == "[0.0]"
    assert [one.tell(f"total('note_seconds_{name}')") for name in ("count", "sum")] == ["[1.0]", "[0.0]"]


@pytest.mark.processes
def test_totals_after_a_killed_process_go_on_in_its_files(start: Callable[[], Process], directory: Path) -> None:
    for total in (1.0, 2.0, 3.0):
        process = start()
        process.tell("event('post_run')")
        assert process.tell("total('events_total', 'post_run')") == f"[{total}]"
        process.kill()

    assert {file.name for file in directory.iterdir()} == {"0.lock", "counter_0.db", "histogram_0.db"}


def _tear(directory: Path) -> None:
    directory.mkdir()
    (directory / "counter_0.db").write_bytes(b"\x40\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00" + bytes(52))


@pytest.mark.processes
@pytest.mark.parametrize("spoil", [_tear, lambda directory: directory.write_text("in the way")], ids=["torn", "a file"])
def test_directory_that_is_spoilt_stops_no_counting(
    start: Callable[[], Process], directory: Path, spoil: Callable[[Path], object]
) -> None:
    spoil(directory)
    process = start()
    process.tell("event('post_run')")

    assert process.tell("total('events_total', 'post_run')") == "[1.0]"


def test_known_labels_cover_rules_channels_and_priorities() -> None:
    assert {rule for _, rule in metrics.DECISIONS.known} == {*(rule.name for rule in RULES), *metrics.REFUSALS}
    assert {decision for decision, _ in metrics.DECISIONS.known} == {str(decision) for decision in Decision}
    of_channels = set(channels.CHANNELS)
    assert {channel for channel, _ in metrics.DELIVERIES.known} == of_channels
    assert {priority for (priority,) in metrics.HELD_BACK.known} == {level.name.lower() for level in Priority}


PRODUCT = Path(metrics.__file__).parent


def _texts_in_calls(files: Iterable[Path], positions: Mapping[str, int]) -> set[str]:
    """The texts within the argument at this position of calls with these names."""
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    arguments = []
    for call in nodes:
        if isinstance(call, ast.Call):
            position = positions.get(getattr(call.func, "attr", getattr(call.func, "id", "")), len(call.args))
            arguments += call.args[position : position + 1]
    parts = [part for argument in arguments for part in ast.walk(argument) if isinstance(part, ast.Constant)]
    return {part.value for part in parts if isinstance(part.value, str)}


def test_known_labels_are_the_outcomes_of_the_code() -> None:
    known = {*metrics.EVENT_OUTCOMES, *metrics.LETTER_OUTCOMES, *(outcome for _, outcome in metrics.DELIVERY_OUTCOMES)}
    rooms = [file for room in ("jobs", "athletes", "queue", "notes") for file in (PRODUCT / room).glob("*.py")]
    named = _texts_in_calls(rooms, {"Final": 0, "Handled": 0, "finish": 2, "refuse": 1})
    trees = [ast.parse(file.read_text()) for file in PRODUCT.rglob("*.py") if file != Path(metrics.__file__)]
    texts = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}

    assert len(named) > 20
    assert named - known == set()
    built = {f"title_{word}" for word in ("done", "pause", "resume", "skip")}  # of the words in an activity's title
    assert known - built - texts == set()


def test_known_labels_are_the_calls_and_letters_of_the_code() -> None:
    calls = dict.fromkeys(("call", "_token_call", "_subscription_call"), 0)
    assert _texts_in_calls([PRODUCT / "platforms/strava/client.py"], calls) == set(metrics.CALL_KINDS)
    letters = {kind for kind, _ in metrics.LETTERS.known}
    assert _texts_in_calls(PRODUCT.rglob("*.py"), {"write_letter": 2}) == letters


@pytest.mark.parametrize(("status", "label"), [(200, "200"), (201, "2xx"), (522, "5xx"), (0, "none"), (None, "none")])
def test_call_status_is_a_label_whose_series_exists_from_the_start(status: int | None, label: str) -> None:
    assert metrics.call_status(status) == label
    assert {label for _, label in metrics.CALLS.known} >= {label}
