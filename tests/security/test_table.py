"""docs/security.md says what was tried, and what is held: both tables are kept true here."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path

from adductor.athletes import activities, revocation
from adductor.jobs import retention
from adductor.mail import links
from adductor.store.models import Base
from service import app, limits, server

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


def test_the_times_and_figures_are_those_of_the_code() -> None:
    assert timedelta(days=7) - timedelta(hours=2) == activities.KEEP
    assert timedelta(hours=24) == activities.KEEP_DELETED
    assert timedelta(days=30) == retention.KEEP_LETTERS
    assert timedelta(days=7) == revocation.GIVE_UP_AFTER
    assert (app.SESSION_DAYS, app.MOST_BODY_BYTES) == (90, 64 * 1024)
    assert (timedelta(days=30), timedelta(days=3), timedelta(days=5 * 365)) == (
        links.ANSWER_GOOD_FOR, links.CONFIRM_GOOD_FOR, links.UNSUBSCRIBE_GOOD_FOR
    )  # fmt: skip
    assert (server.REQUEST_WITHIN_S, server.ANSWER_WITHIN_S, server.MOST_HEAD_BYTES) == (10, 50, 32 * 1024)
    assert (server.MOST_WAITING, server.BUSY_CONNECTIONS, server.MOST_CONNECTIONS) == (100, 800, 900)
    assert server.STARTS_WITHIN_S == 30
    figures = (limits.EVERYTHING, limits.MISSES, limits.ONE_LINK, limits.CONNECTING, limits.EXPORTS, limits.OPERATORS)
    assert figures == (
        "600 per minute", "60 per minute", "60 per minute", "30 per minute", "30 per hour", "10 per minute"
    )  # fmt: skip
