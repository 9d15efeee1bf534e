"""Every known series exists at 0; totals add up over processes and survive their ends."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adductor import metrics
from adductor.athletes import channels
from adductor.coaching.rules import RULES
from adductor.coaching.situation import Decision
from adductor.platforms.base import Priority

_PROCESS = """
import sys
from pathlib import Path
from adductor import metrics
metrics.use_directory(Path(sys.argv[1]))
for command in sys.stdin:
    name, *labels = command.split()
    if name == "note":
        metrics.NOTE_SECONDS.observe(float(labels[0]))
    elif name == "threads":
        import threading
        def work():
            for _ in range(1000):
                metrics.EVENTS.labels("post_run").inc()
        threads = [threading.Thread(target=work) for _ in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    elif name == "sum":
        found = {
            (sample.name.removeprefix("adductor_"), *sample.labels.values()): sample.value
            for family in metrics.collect() for sample in family.samples
        }
        print(found.get(tuple(labels)), flush=True)
        continue
    else:
        getattr(metrics, name).labels(*labels).inc()
    print("done", flush=True)
"""


class Process:
    """A process of ours that counts what it is told to."""

    def __init__(self, directory: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def tell(self, command: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()


class Processes:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._started: list[Process] = []

    def start(self) -> Process:
        self._started.append(Process(self.directory))
        return self._started[-1]

    def end(self) -> None:
        for process in self._started:
            process.kill()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    running = Processes(tmp_path / "metrics")
    yield running
    running.end()


@pytest.mark.processes
def test_totals_two_processes_are_summed_with_every_known_series_at_zero(processes: Processes) -> None:
    one, other = processes.start(), processes.start()
    for process, outcome in ((one, "post_run"), (one, "post_run"), (other, "post_run"), (other, "weekly_cap")):
        process.tell(f"EVENTS {outcome}")

    assert [one.tell(f"sum events_total {outcome}") for outcome in ("post_run", "weekly_cap", "gave_up")] == [
        "3.0",
        "1.0",
        "0.0",
    ]
    assert other.tell("sum strava_calls_held_back_total fresh") == "0.0"
    assert other.tell("sum note_seconds_count") == "0.0"


@pytest.mark.processes
def test_totals_after_a_killed_process_go_on_in_its_files(processes: Processes) -> None:
    for total in (1.0, 2.0, 3.0):
        process = processes.start()
        process.tell("EVENTS post_run")
        assert process.tell("sum events_total post_run") == str(total)
        process.kill()

    assert {file.name for file in processes.directory.iterdir()} == {"0.lock", "counter_0.db", "histogram_0.db"}


@pytest.mark.processes
def test_threads_of_a_process_lose_no_count(processes: Processes) -> None:
    process = processes.start()
    process.tell("threads")

    assert process.tell("sum events_total post_run") == "4000.0"


@pytest.mark.processes
def test_note_seconds_lands_in_the_smallest_bucket_that_holds_it(processes: Processes) -> None:
    process = processes.start()
    for seconds in ("-1", "0.5", "0.51", "100000"):
        process.tell(f"note {seconds}")

    buckets = [process.tell(f"sum note_seconds_bucket {bound}") for bound in ("0.5", "1.0", "86400.0", "+Inf")]
    assert buckets == ["2.0", "3.0", "3.0", "4.0"]
    assert process.tell("sum note_seconds_sum") == "100001.01"


@pytest.mark.processes
def test_torn_file_of_a_dead_process_is_dropped(processes: Processes) -> None:
    processes.directory.mkdir()
    torn = processes.directory / "counter_0.db"
    torn.write_bytes(b"\x40\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00" + bytes(52))
    process = processes.start()
    process.tell("EVENTS post_run")

    assert process.tell("sum events_total post_run") == "1.0"


@pytest.mark.processes
def test_directory_that_cannot_be_made_counts_in_memory(processes: Processes) -> None:
    processes.directory.write_text("a file stands in the way")
    process = processes.start()
    process.tell("EVENTS post_run")

    assert process.tell("sum events_total post_run") == "1.0"


def test_known_labels_cover_rules_channels_and_priorities() -> None:
    decisions = {str(decision) for decision in Decision}
    of_rules = set(metrics.DECISIONS.known)

    assert {rule for _, rule in of_rules} == {*(rule.name for rule in RULES), *metrics.REFUSALS}
    assert {decision for decision, _ in of_rules} == decisions
    assert {channel for channel, _ in metrics.DELIVERIES.known} == {
        channels.PRIVATE_NOTE,
        channels.DESCRIPTION,
        channels.MAIL,
        channels.PAGES,
    }
    assert {priority for (priority,) in metrics.HELD_BACK.known} == {level.name.lower() for level in Priority}


# Calls and functions of the pipeline whose texts are outcomes, by the table that counts them.
_NAMING = {"Final": 0, "Handled": 0, "finish": 2, "refuse": 1}


def _outcomes_in_code() -> set[str]:
    """Every outcome that stands as a text in a call that ends a row or says no."""
    found = set()
    for room in ("jobs", "athletes", "queue", "notes"):
        for file in (Path(metrics.__file__).parent / room).glob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                position = _NAMING.get(name, len(node.args))
                named = node.args[position : position + 1]
                found |= {each.value for part in named for each in ast.walk(part) if isinstance(each, ast.Constant)}
    return {outcome for outcome in found if isinstance(outcome, str)}


def test_known_labels_cover_every_outcome_of_the_code() -> None:
    known = {*metrics.EVENT_OUTCOMES, *metrics.LETTER_OUTCOMES, *(outcome for _, outcome in metrics.DELIVERY_OUTCOMES)}
    in_code = _outcomes_in_code()

    assert {"old_activity", "withdrawn", "address_refused", "mailed_instead"} & in_code
    assert in_code - known == set()


def test_known_labels_name_nothing_that_the_code_lacks() -> None:
    product = Path(metrics.__file__).parent
    texts = {
        node.value
        for file in product.rglob("*.py")
        if file != Path(metrics.__file__)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    built = {f"title_{word}" for word in ("done", "pause", "resume", "skip")}  # of the words in an activity's title

    known = {*metrics.EVENT_OUTCOMES, *metrics.LETTER_OUTCOMES, *(outcome for _, outcome in metrics.DELIVERY_OUTCOMES)}
    assert known - built - texts == set()
