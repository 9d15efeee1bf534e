"""A real PostgreSQL of the tests' own, in a folder that goes with them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from service.supervisor import free_port


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    if elsewhere is None:
        raise RuntimeError(
            "these tests need PostgreSQL; `make system` installs it (Debian: apt-get install postgresql)"
        )
    return Path(elsewhere).parent


def as_nobody_special(arguments: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root; Debian's package brings a user for it."""
    return ["runuser", "-u", "postgres", "--", *arguments] if os.geteuid() == 0 else arguments


@contextmanager
def server(folder: Path, options: Sequence[str] = ("-F",), *, keep: bool = False) -> Iterator[str]:
    """Run a server; yields the start of its SQLAlchemy URLs, to which a database's name is added.

    ``options`` are the server's; by default it syncs nothing to the disk. With ``keep`` it is shut down in order, and what
    is in ``folder`` can be served again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        for parent in folder.parents:  # pytest's folders are closed to others, but this one is for another user
            if parent.stat().st_uid == 0 and parent != Path("/") and parent.is_relative_to("/tmp"):
                parent.chmod(parent.stat().st_mode | 0o011)
    data, port, binaries = folder / "data", free_port(), _binaries()
    if not data.exists():
        how = ["--auth=trust", "--username=coach", "--encoding=UTF8", "--no-sync", f"--pgdata={data}"]
        subprocess.run(as_nobody_special([str(binaries / "initdb"), *how]), check=True, capture_output=True, cwd="/")
    settings = " ".join([f"-p {port} -h 127.0.0.1 -c unix_socket_directories=", *options])
    pg_ctl(data, "start", "-t", "120", "-l", str(folder / "log"), "-o", settings)
    try:
        yield f"postgresql+psycopg://coach@127.0.0.1:{port}"
    finally:
        with suppress(subprocess.CalledProcessError):  # a test may have stopped it
            pg_ctl(data, "stop", "-m", "fast" if keep else "immediate")


def pg_ctl(data: Path, *arguments: str) -> None:
    """Run pg_ctl, which waits for the server. No pipe: the server would keep it open."""
    command = [str(_binaries() / "pg_ctl"), *arguments, "-w", "-D", str(data)]
    quiet = subprocess.DEVNULL
    subprocess.run(as_nobody_special(command), check=True, cwd="/", stdin=quiet, stdout=quiet, stderr=quiet)


def new_database(base: str, name: str) -> str:
    """Create a database; its SQLAlchemy URL."""
    with psycopg.connect(f"{base.replace('+psycopg', '')}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return f"{base}/{name}"
