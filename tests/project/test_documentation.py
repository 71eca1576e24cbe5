"""What README, CONTRIBUTING and docs/ say can be read, followed and typed: sizes, links, and every code block."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pages_support as pages
import pytest
from pages_support import NAMES, ROOT, Block

import dq
from dq.cli.runbook_commands import problem_finder
from dq.declare import project as projects
from dq.declare import settings, suites

LANGUAGES = {"sh", "yaml", "python", "text"}
# They show what commands print, which only somebody who types them can compare; the commands are parsed here.
WALKED = ("README.md", "docs/tutorial.md", "docs/adopting.md")
GENERATED = "docs/check-types.md"  # its examples: tests/project/test_type_pages.py
BLOCKS = [block for name in NAMES if name != GENERATED for block in pages.blocks(name)]


def test_the_readme_is_a_screen_and_a_half() -> None:
    assert len(pages.text("README.md").split()) <= 1200


@pytest.mark.parametrize("name", NAMES)
def test_no_line_of_prose_is_wider_than_an_editor(name: str) -> None:
    assert [f"{name}:{number}" for number, line in pages.prose(name) if len(line) > 120] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    dead = []
    for number, link in pages.links(name):
        if link.startswith("https://"):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = ((ROOT / name).parent / path).resolve() if path else ROOT / name
        there = target.exists() and target.is_relative_to(ROOT)
        if not there or (anchor and anchor not in pages.anchors(str(target.relative_to(ROOT)))):
            dead.append(f"{name}:{number}: {link}")
    assert dead == []


def test_the_checks_that_cards_count_are_as_many_as_are_declared() -> None:
    bound = projects.load(ROOT).pipeline("profit_unit")
    counted = len(bound.deciding_checks) + len(bound.strain_checks)
    shown = {int(found) for name in WALKED for found in re.findall(r"of (\d+) checks", pages.text(name))}
    assert shown == {counted, counted + 1}, "README and adopting page count them; the tutorial has added one"


def test_every_page_is_listed_in_the_index_and_reached_from_the_readme() -> None:
    written = {Path(name).name for name in NAMES if name.startswith("docs/")} - {"README.md"}
    assert {link for _, link in pages.links("docs/README.md")} >= written
    assert {f"docs/{name}" for name in written} <= {link.partition("#")[0] for _, link in pages.links("README.md")}


def test_the_picture_of_the_readme_is_there_and_small() -> None:
    (picture,) = {link for _, link in pages.links("README.md") if link.endswith(".png")}
    content = (ROOT / picture).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 300_000


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_is_of_a_kind_that_a_test_runs(block: Block) -> None:
    assert block.language in LANGUAGES
    if block.language == "text":
        assert block.page in WALKED, "what a command prints is compared with it on these pages only"
    if block.language == "yaml":
        assert block.file, "its first line says which file it belongs to"


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "python"], ids=str)
def test_python_compiles_and_uses_public_names(block: Block) -> None:
    compile(block.text, str(block), "exec")
    assert set(re.findall(r"\bdq\.(\w+)", block.text)) <= {*dq.__all__}


@cache
def as_it_is() -> projects.Reading:
    return projects.read(ROOT)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DQ_HOME", str(tmp_path))
    return pages.project(tmp_path)


def follow(home: Path, name: str) -> list[Path]:
    """Do to a project what the blocks of a page say; the files they wrote."""
    written = []
    for block in pages.blocks(name):
        if block.file:
            written.append(pages.place(block, home))
        for words in (shlex.split(line) for line in block.commands if line.startswith("cp ")):
            copy = shutil.copytree if "-r" in words else shutil.copy
            copy(home / words[-2], home / words[-1])
    return written


@pytest.mark.parametrize("name", sorted({block.page for block in BLOCKS if block.language == "yaml"}))
def test_yaml_is_what_the_strict_readers_take(home: Path, name: str) -> None:
    written = {str(path.relative_to(home)) for path in follow(home, name)}
    mapping = "jobs/ravenstack.yml"
    reading = projects.read(home, home / mapping if mapping in written else None)
    # Who watches a pipeline that a page adds is the reader's to say.
    assert [str(finding) for finding in reading.findings if finding.file != "runbooks/roster.yml"] == []
    settings.read(home)
    for one in written:
        if one.endswith(".yml") and not one.startswith("jobs/"):
            suites.load(home / one)


def test_a_block_with_a_mistake_is_found(home: Path) -> None:
    wrong = "# jobs/settings.yml\nnotify:\n  targets:\n    pager: {kind: fax}\n"
    pages.place(Block("page", 1, "yaml", wrong), home)
    with pytest.raises(dq.DqError, match="fax"):
        settings.read(home)


@pytest.mark.parametrize("name", sorted({block.page for block in BLOCKS if block.language == "sh"}))
def test_every_command_would_be_accepted(home: Path, name: str) -> None:
    written = follow(home, name)
    find = problem_finder(projects.read(home) if written else as_it_is())
    shell = [block for block in BLOCKS if block.page == name and block.language == "sh"]
    problems = [
        f"{block}: {line}: {said}" for block in shell for line in block.commands if (said := problem(line, find))
    ]
    assert problems == []


def problem(line: str, find: Callable[[list[str]], str | None]) -> str | None:
    """Why a line of a shell block would not work; empty or None where it would."""
    words = shlex.split(line, comments=True)
    match words:
        case ["make", *_] | ["dq", *_]:
            return find(words)
        case [".", "tools/env.sh"]:
            return None
        case ["export", setting] if re.fullmatch(r"DQ_[A-Z_]+=\S+", setting):
            return None
        case ["spark-submit", "--properties-file", properties, job, *rest]:
            missing = [path for path in (properties, job) if not (ROOT / path).is_file()]
            return f"no {missing}" if missing else find(["dq", "run", Path(job).stem, *rest])
        case ["cp", source, _]:
            return "" if (ROOT / source).is_file() else f"no {source}"
        case ["cp", "-r", source, _]:
            return "" if (ROOT / source).is_dir() else f"no {source}"
        case ["chgrp" | "chmod", _, "build/warehouse"]:
            return None
    return "is of a kind that no test knows"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("dq run profit_unit --period 2026-10 --asof now", "unrecognized"),
        ("dq run no_pipeline --period 2026-10", "there is no pipeline"),
        ("make nothing", "no such make target"),
        ("dq demo --fault F99", "there is no defect"),
        ("spark-submit --properties-file spark-conf/none.conf jobs/profit_unit.py", "none.conf"),
        ("rm -rf build", "no test knows"),
    ],
)
def test_a_command_with_a_mistake_is_found(line: str, said: str) -> None:
    assert said in str(problem(line, problem_finder(as_it_is())))
