"""The documentation names what there is, and its links lead somewhere. No network, no site generator."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from adductor.settings import Settings
from adductor.store.models import Base
from service.cli import cli
from service.cli.up import up

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
WITH_LINKS = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "sandbox" / "README.md", *PAGES]
SETTINGS = {str(field.validation_alias): field.default for field in Settings.model_fields.values()}
# Read by other programs, and said with them.
NOT_OURS = {"ADDUCTOR_WEB", "ADDUCTOR_PORT"}
OURS = ("adductor/", "service/", "workers/", "sandbox/", "tests/", "bench/", "deploy/", "docs/")
# docs/brand.md: a file that may not be shipped with the source.
TO_BE_PUT_THERE = "service/static/connect-with-strava.svg"


def of_pages(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(ROOT)))


def _lines(text: str, pattern: str) -> list[str]:
    return re.findall(pattern, text, flags=re.MULTILINE)


def _without_blocks(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def _links(page: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`", "", _without_blocks(page))
    found = re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def _anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub and the site make them."""
    headings = _lines(_without_blocks(page), r"^#+ (.+)$")
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", re.sub(r"[`*]", "", h)).strip().lower()) for h in headings}


@of_pages(WITH_LINKS)
def test_every_link_inside_leads_somewhere(page: Path) -> None:
    """What isn't under docs/ isn't on the site: a page of the site names such a file instead of linking it."""
    home = ROOT / "docs" if page in PAGES else ROOT
    for link in _links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(home), f"{link} leads out of {home.name}"
        assert not anchor or anchor in _anchors(target), f"{link}: no such heading"


def _targets() -> set[str]:
    return set(_lines((ROOT / "Makefile").read_text(), r"^([a-z-]+):.*## "))


def test_make_says_what_it_can_do() -> None:
    (phony,) = _lines((ROOT / "Makefile").read_text(), r"^\.PHONY: (.*)$")
    assert set(phony.split()) == _targets()


@of_pages(WITH_LINKS)
def test_page_names_only_settings_targets_and_files_that_exist(page: Path) -> None:
    """Files of ours in backquotes. A decision that no longer holds may name gone ones."""
    text = page.read_text()
    for name in re.findall(r"\b((?:ADDUCTOR|STRAVA)_[A-Z_]*[A-Z])\b", text):
        assert {name, name.removesuffix("_FILE")} & (SETTINGS.keys() | NOT_OURS | {"ADDUCTOR_SANDBOX_BIND"}), name
    assert {*_lines(text, r"`make ([a-z-]+)"), *_lines(text, r"^make ([a-z-]+)$")} <= _targets()
    for named in re.findall(r"`([\w./-]+)`", text if "No longer holds" not in text else ""):
        if named.startswith(OURS) and "NAME" not in named and named != TO_BE_PUT_THERE:
            assert (ROOT / named).exists() or (page.parent / named).exists(), f"{named} is not there"


@of_pages([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
def test_commands_that_a_page_says_exist_with_their_options(page: Path) -> None:
    """Each `adductor ...` line in a block, and each in running text."""
    text = page.read_text()
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line.strip() for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", text)
    for line in lines:
        said = re.match(r"(?:\.venv/bin/|docker compose exec \w+ )?adductor ([a-z].*)$", line)
        words = shlex.split(said[1].replace("…", "x"), comments=True) if said else []
        found: click.Command = cli
        while isinstance(found, click.Group) and words and not words[0].startswith("-"):
            inner = found.get_command(click.Context(found), words.pop(0))
            assert inner is not None, line
            found = inner
        known = {name for parameter in found.params for name in parameter.opts} | {"--help"}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, line


def _nav(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    return [page for inside in (entry.values() if isinstance(entry, dict) else entry) for page in _nav(inside)]


def test_site_names_every_page_once_and_fetches_nothing_from_elsewhere() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text())

    # `make bench` writes the last one.
    pages = {str(page.relative_to(ROOT / "docs")) for page in PAGES} | {"performance.md"}
    assert sorted(_nav(site["nav"])) == sorted(pages), "put a new page into the nav of mkdocs.yml"
    assert site["theme"]["font"] is False
    assert not site.keys() & {"extra_css", "extra_javascript", "hooks"}


def test_every_setting_is_documented_with_its_default_and_no_other() -> None:
    rows = dict(_lines((ROOT / "docs" / "settings.md").read_text(), r"^\| `([A-Z_]+)` \| (?:`([^`|]+)` \|)?"))
    option = next(parameter for parameter in up.params if parameter.name == "sandbox_bind")
    assert rows.keys() == SETTINGS.keys() | {str(option.envvar)}

    compared = {name: said for name, said in rows.items() if said and SETTINGS.get(name) is not None}
    assert len(compared) > 8
    assert {name: str(SETTINGS[name]) for name in compared} == compared


def _commands(group: click.Group, way: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, (*way, name))
        else:
            yield " ".join((*way, name)), command


@pytest.mark.parametrize(("name", "command"), list(_commands(cli)))
def test_every_command_has_an_example_and_is_documented_with_its_options(name: str, command: click.Command) -> None:
    (row,) = _lines((ROOT / "docs" / "commands.md").read_text(), rf"^\| `adductor {name}[ `].*$")
    assert f"adductor {name}" in (command.help or "").partition("Example")[2]
    for parameter in command.params:
        names = [option for option in parameter.opts if option.startswith("--")]
        if parameter.name == "sandbox_bind" or getattr(parameter, "hidden", False):
            continue  # it has a setting; `adductor up` alone uses it
        assert any(option in row for option in names) or not names, names


SECURITY = (ROOT / "docs" / "security.md").read_text()


def test_every_line_of_attacks_names_tests_that_exist() -> None:
    attacks = SECURITY.partition("## What was tried")[2].partition("## What stays possible")[0]
    lines = [line for line in attacks.splitlines() if line.startswith("|")][2:]

    assert len(lines) >= 45
    for line in lines:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", line)
        assert named, line
        for path, name in named:
            nodes = ast.parse((ROOT / path).read_text()).body
            assert name in [node.name for node in nodes if isinstance(node, ast.FunctionDef)], f"{path}::{name}"


def test_every_table_and_secret_of_the_database_is_accounted_for() -> None:
    held = SECURITY.partition("## What is held")[2].partition("## Keys")[0]
    tables = Base.metadata.tables.values()
    names = [table.name for table in tables]
    names += [column.name for table in tables for column in table.columns if column.name.endswith("_encrypted")]

    assert len(names) > len(tables)
    assert [name for name in names if f"`{name}`" not in held] == []
