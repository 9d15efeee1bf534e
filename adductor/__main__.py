"""Launcher of `adductor`: puts the parts on the import path of this process and of those that it starts."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

_HERE = Path(__file__).parent
# In the wheel service, workers and sandbox are below us; in the repository they are beside us.
PARTS = str(_HERE / "_parts" if (_HERE / "_parts").is_dir() else _HERE.parent)


def main() -> None:
    """The console script."""
    sys.path.insert(0, PARTS)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [PARTS, os.environ.get("PYTHONPATH")]))
    # A folder "service" where the command is run must not come before ours in `python -m service.cli`.
    os.environ["PYTHONSAFEPATH"] = "1"
    importlib.import_module("service.cli").main()  # adductor imports nothing of the parts


if __name__ == "__main__":
    main()
