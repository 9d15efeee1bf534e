"""The wheel, installed where nothing of the repository is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("adductor", "service", "workers", "sandbox")


def _run(command: list[str], cwd: Path, **environment: str) -> str:
    given = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built as pip builds it, from a copy: setuptools leaves a folder "build" beside the sources."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, source / name)
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    _run([sys.executable, "-c", build, str(target)], cwd=source)
    (built,) = target.glob("*.whl")
    return zipfile.ZipFile(built)


def test_wheel_takes_one_name_and_holds_every_file(wheel: zipfile.ZipFile) -> None:
    names = [name for name in wheel.namelist() if ".dist-info/" not in name]
    in_repository = {
        str(path.relative_to(ROOT))
        for name in FOLDERS
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md"
    }

    assert {name.partition("/")[0] for name in names} == {"adductor"}
    assert {name.removeprefix("adductor/_parts/") for name in names} == in_repository


@pytest.mark.processes
def test_wheel_outside_the_repository_runs_the_demo(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """With an empty home, in a folder whose own `service`, `workers` and `sandbox` must not be taken for ours."""
    place, home = tmp_path / "python", tmp_path / "home"
    venv.create(place, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    wheel.extractall(packages)
    # Its dependencies are the tests' own; their .pth files, which lead to the repository, are not read from there.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    for name in FOLDERS[1:]:
        (home / name).mkdir(parents=True)
        (home / name / "__init__.py").write_text("raise SystemExit('another program')")
    (script,) = (name for name in wheel.namelist() if name.endswith("/entry_points.txt"))
    module, _, function = wheel.read(script).decode().strip().rpartition(" = ")[2].partition(":")
    command = f"from {module} import {function}; {function}()"

    said = _run([str(place / "bin" / "python"), "-P", "-c", command, "demo"], cwd=home, HOME=str(home))

    assert "— Adductor Coach" in said
    assert sorted(path.name for path in home.iterdir()) == sorted(FOLDERS[1:])
