"""The command line in this process: as `live.adductor`, in milliseconds."""

from __future__ import annotations

import logging
import os
import subprocess
from unittest import mock

from click.testing import CliRunner

from service.cli import cli
from tests.support.live import clean_environment


def run(*arguments: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with this environment and no settings of the machine."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        with mock.patch.dict(os.environ, {**clean_environment(), **environment}, clear=True):
            ended = CliRunner().invoke(cli, arguments, input=stdin)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert isinstance(ended.exception, SystemExit | None), ended.exception
    return subprocess.CompletedProcess(arguments, ended.exit_code, ended.stdout, ended.stderr)
