"""docs/security.md says what was tried, and what is held: both tables are kept true here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from adductor.store.models import Base

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text()
ATTACKS = TEXT.partition("## What was tried")[2].partition("## What stays possible")[0]


def test_every_line_of_attacks_names_tests_that_exist() -> None:
    lines = [line for line in ATTACKS.splitlines() if line.startswith("|")][2:]

    assert len(lines) >= 45
    for line in lines:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", line)
        assert named, line
        for path, name in named:
            functions = [
                node.name for node in ast.parse((ROOT / path).read_text()).body if isinstance(node, ast.FunctionDef)
            ]
            assert name in functions, f"{path}::{name}"


def test_every_table_and_secret_of_the_database_is_accounted_for() -> None:
    held = TEXT.partition("## What is held")[2].partition("## Keys")[0]
    names = [table.name for table in Base.metadata.tables.values()]
    names += [c.name for table in Base.metadata.tables.values() for c in table.columns if c.name.endswith("_encrypted")]

    assert len(names) > len(Base.metadata.tables)
    assert [name for name in names if f"`{name}`" not in held] == []
