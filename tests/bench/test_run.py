"""All benchmarks in one table, and one failing module keeps no other from being measured."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from bench import report, run
from bench.figures import Figure
from bench.report import Outcome


def _figure(*, met: bool = True) -> Figure:
    return Figure("notes a second", "250", "1,000 no-ops", "0.25 x", "0.2 x", met, "eight threads")


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Two modules, one that fails and one after it; the page that a whole run writes."""

    def breaks(quick: bool) -> list[Figure]:
        raise ConnectionError("the broker is gone")

    for name, measure in (("broken", breaks), ("sound", lambda quick: [_figure(met=False)])):
        module = ModuleType(f"bench.{name}")
        module.measure = measure  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"bench.{name}", module)
    page = tmp_path / "performance.md"
    page.write_text("# Performance\n\nMeasured on a day that has gone.\n")
    monkeypatch.setattr(run, "PAGE", page)
    monkeypatch.setattr(run, "HISTORY", tmp_path / "history.csv")
    return page


def test_run_failing_module_does_not_stop_the_others(page: Path) -> None:
    broken, missing, sound = run.run(["broken", "no_such_module", "sound"], quick=True)

    assert (broken.figures, broken.problem) == (None, "ConnectionError")
    assert (missing.figures, missing.problem) == (None, "ModuleNotFoundError")
    assert sound.figures is not None


@pytest.mark.parametrize(
    ("modules", "arguments", "code", "written"),
    [
        (("broken", "sound"), [], 1, True),
        (("sound",), [], 0, True),
        (("sound",), ["--quick"], 0, False),
        (("sound",), ["sound"], 0, False),
    ],
)
def test_main_missed_is_no_failure_and_only_a_whole_run_writes(
    page: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    modules: tuple[str, ...],
    arguments: list[str],
    code: int,
    written: bool,
) -> None:
    monkeypatch.setattr(run, "MODULES", modules)

    assert run.main(arguments) == code

    said = capsys.readouterr().out
    assert "missed" in said
    assert ("failed" in said) is bool(code)
    assert ("a day that has gone" not in page.read_text()) is written
    assert page.read_text().startswith("# Performance\n")
    assert page.with_name("history.csv").exists() is written


def test_document_holds_figures_and_no_detail_of_a_failure() -> None:
    outcomes = [Outcome("notes", 12.3, [_figure()]), Outcome("up", 1.0, None, "OSError")]
    text = report.document("", outcomes)

    assert "| notes a second | 250   | 1,000 no-ops | 0.25 x | 0.2 x  | met    | eight threads |" in text
    assert "| bench.up       | -     | -            | -      | -      | failed | OSError       |" in text
