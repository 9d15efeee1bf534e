"""All benchmarks in one table, whatever becomes of one of them, and nothing written by hand is lost."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from bench import report, run
from bench.figures import Figure, Part
from bench.report import Outcome

MACHINE = [("processor", "made up, 2 cores")]


def _figure(what: str = "notes a second", *, met: bool = True) -> Figure:
    return Figure(what, "250", "1,000 no-ops", "0.25 x", "0.2 x", met, "eight threads")


def _outcome(*figures: Figure, **tables: str) -> Outcome:
    return Outcome("notes", 12.3, Part(list(figures), tables))


@pytest.fixture
def bench_of(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Two modules: one that breaks while it measures, and one after it. Says how the second was asked."""
    asked: dict[str, bool] = {}

    def breaks(quick: bool) -> Part:
        raise ConnectionError("the broker is gone")

    def measures(quick: bool) -> Part:
        asked["quick"] = quick
        return Part([_figure()])

    for name, measure in (("broken", breaks), ("sound", measures)):
        module = ModuleType(f"bench.{name}")
        module.measure = measure  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"bench.{name}", module)
    return asked


def _docs(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


def test_a_module_that_fails_does_not_stop_the_others(bench_of: dict[str, bool]) -> None:
    broken, missing, sound = run.run(["broken", "no_such_module", "sound"], quick=True)

    assert (broken.part, broken.problem) == (None, "ConnectionError")
    assert (missing.part, missing.problem) == (None, "ModuleNotFoundError")
    assert sound.part is not None
    assert bench_of == {"quick": True}


def test_what_could_not_be_measured_makes_the_exit_code_1(
    bench_of: dict[str, bool], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "MODULES", ("broken", "sound"))

    assert run.main(["--quick"]) == 1

    said = capsys.readouterr().out
    assert "bench.broken" in said
    assert "failed" in said
    assert "0.25 x" in said


def test_a_missed_target_is_said_and_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, bench_of: dict[str, bool], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "MODULES", ("sound",))
    monkeypatch.setattr(sys.modules["bench.sound"], "measure", lambda quick: Part([_figure(met=False)]))

    assert run.main(["--quick"]) == 0

    assert "missed" in capsys.readouterr().out


def test_quick_writes_nothing(bench_of: dict[str, bool], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "MODULES", ("sound",))
    monkeypatch.setattr(run, "DOCS", tmp_path)

    run.main(["--quick"])

    assert list(tmp_path.iterdir()) == []


def test_the_columns_of_the_table_stand_below_each_other() -> None:
    lines = report.on_a_terminal([_outcome(_figure("short"), _figure("a much longer name"))]).splitlines()

    starts = {line.index("250") for line in lines if "250" in line}
    assert starts == {lines[0].index("value")}


def test_the_document_names_the_machine_the_figures_and_the_tables() -> None:
    text = report.document([_outcome(_figure(), Workers="| workers | notes |\n|--:|--:|\n| 1 | 250 |")], MACHINE)

    assert "| notes a second | 250 | 1,000 no-ops | 0.25 x | 0.2 x | met | eight threads |" in text
    assert "| processor | made up, 2 cores |" in text
    assert "## Workers\n\n| workers | notes |" in text


def test_what_failed_stands_in_the_document_without_its_details() -> None:
    text = report.document([Outcome("notes", 1.0, None, "OSError")], MACHINE)

    assert "| bench.notes | - | - | - | - | **failed** | OSError |" in text


def test_what_was_written_by_hand_stays(tmp_path: Path) -> None:
    docs = _docs(tmp_path)
    run.write([_outcome(_figure())], MACHINE, docs)
    file = docs / "performance.md"
    ours = "Of 3 ms, 1 ms is the sync.\n\n### And a list\n- of findings"
    file.write_text(file.read_text().replace(report.NOTHING_YET, ours, 1))

    run.write([_outcome(_figure("measured again"))], MACHINE, docs)
    run.write([_outcome(_figure("and again"))], MACHINE, docs)

    text = file.read_text()
    assert "and again" in text
    assert "measured again" not in text
    assert f"## What an event costs\n\n{report.BY_HAND}\n{ours}\n{report.END}\n" in text
    assert text.count(report.BY_HAND) == len(report.HAND_WRITTEN)


def test_a_part_under_a_heading_of_its_own_stays_too(tmp_path: Path) -> None:
    docs = _docs(tmp_path, performance=f"# Performance\n\n## What is left\n\n{report.BY_HAND}\nMuch.\n{report.END}\n")

    run.write([_outcome(_figure())], MACHINE, docs)

    assert f"## What is left\n\n{report.BY_HAND}\nMuch.\n{report.END}" in (docs / "performance.md").read_text()


@pytest.mark.parametrize(
    "broken",
    [
        f"## What an event costs\n\n{report.BY_HAND}\nHours of work.\n",
        f"{report.BY_HAND}\nHours of work without a heading.\n{report.END}\n",
        f"## What an event costs\n\nHours of work.\n{report.END}\n",
    ],
)
def test_a_document_that_would_lose_words_is_not_rewritten(tmp_path: Path, broken: str) -> None:
    docs = _docs(tmp_path, performance=broken)

    with pytest.raises(report.ReportError, match="nothing was written"):
        run.write([_outcome(_figure())], MACHINE, docs)

    assert (docs / "performance.md").read_text() == broken


def test_the_table_of_workers_is_shown_where_they_are_operated(tmp_path: Path) -> None:
    around = "before\n\n{start}\n{inside}\n{end}\n\nafter\n"
    marked = around.format(start=report.WORKERS_START, inside="(not measured yet)", end=report.WORKERS_END)
    docs = _docs(tmp_path, operate=marked)

    run.write([_outcome(_figure(), Workers="| 1 | 250 |")], MACHINE, docs)
    run.write([_outcome(_figure(), Workers="| 1 | 260 |")], MACHINE, docs)

    expected = around.format(start=report.WORKERS_START, inside="| 1 | 260 |", end=report.WORKERS_END)
    assert (docs / "operate.md").read_text() == expected


def test_without_its_place_nothing_is_put_into_operate(tmp_path: Path) -> None:
    docs = _docs(tmp_path, operate="no place\n")

    written = run.write([_outcome(_figure(), Workers="| 1 | 250 |")], MACHINE, docs)

    assert (docs / "operate.md").read_text() == "no place\n"
    assert written == ["docs/performance.md"]


def test_operate_has_the_place() -> None:
    text = (run.DOCS / "operate.md").read_text()

    assert report.with_workers(text, "| a table |") != text
