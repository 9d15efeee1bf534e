"""`make audit`: are any of the locked packages known to be vulnerable?

Asks the package index for its advisories (ADVISORIES=osv: the OSV database), so it needs the network and an index that has
them; a mirror often hasn't. What could not be checked is said, and never counts as well.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

WELL, VULNERABLE, UNCHECKED = 0, 1, 2
_SECONDS = 300


def main(arguments: list[str]) -> int:
    """``pip-audit LOCK...``: the program, and the locks to look through. Exit code 0 well, 1 vulnerable, 2 not checked."""
    program, *locks = arguments
    worst = WELL
    for lock in locks:
        command = [program, "--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json", "-r", lock]
        command.append(f"--vulnerability-service={os.environ.get('ADVISORIES', 'pypi')}")
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
            found = json.loads(ended.stdout)
        except subprocess.TimeoutExpired:
            lines, code = [f"not checked: no answer within {_SECONDS} s"], UNCHECKED
        except ValueError:
            last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
            lines, code = [f"not checked: {last[:300]}"], UNCHECKED
        else:
            lines, code = verdict(found)
        for line in lines:
            sys.stdout.write(f"{lock}: {line}\n")
        worst = max(worst, code)
    return worst


def verdict(found: Mapping[str, Any]) -> tuple[list[str], int]:
    """What pip-audit's JSON means: lines to print, and the exit code. A package that was skipped was not checked."""
    packages = found.get("dependencies", [])
    skipped = [package for package in packages if "skip_reason" in package]
    bad = [package for package in packages if package.get("vulns")]
    lines = []
    for package in bad:
        for one in package["vulns"]:
            fixed = ", ".join(one.get("fix_versions") or []) or "no version yet"
            lines.append(f"{package['name']} {package['version']}: {one['id']}, mended in {fixed}")
    checked = len(packages) - len(skipped)
    if skipped or not packages:
        why = skipped[0]["skip_reason"] if skipped else "no packages were found in it"
        lines.append(
            f"NOT CHECKED: {len(skipped)} of {len(packages)} packages ({why}). "
            "This index may have no advisories: try another network or index, or `make audit ADVISORIES=osv`"
        )
    if checked and not bad:
        lines.append(f"{checked} packages checked, none known to be vulnerable")
    return lines, UNCHECKED if skipped or not packages else VULNERABLE if bad else WELL


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
