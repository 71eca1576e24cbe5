"""README, tutorial and adopting page followed to the letter: every command is run, what it prints is what they say."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pages_support as pages
import pytest
from pages_support import ROOT, Block
from runs_support import environment

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1_800)]
RUN_ID = re.compile(r"-\d{8}t\d+z-[0-9a-f]{6}")
# What make does beside preparing the environment that this test runs in.
MADE = {
    "make demo": [sys.executable, "-m", "dq", "demo"],
    "make sample": [sys.executable, str(ROOT / "tools" / "sample.py"), "build/sample"],
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages.project(tmp_path_factory.mktemp("home"))


class Reader:
    """Somebody who does what a page says: writes its files, types its commands, compares what they print."""

    def __init__(self, home: Path) -> None:
        self.home, self.said = home, ""
        self.env = environment(home / "build" / "demo" / "sources", DQ_HOME=str(home))
        self.env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{self.env['PATH']}"
        del self.env["DQ_DEMO_DIR"]

    def follow(self, name: str, wanted: Callable[[Block], bool] = lambda _: True) -> None:
        for block in filter(wanted, pages.blocks(name)):
            if block.file:
                pages.place(block, self.home)
            if block.language == "sh":
                self.said = "".join(self.type(block, line) for line in block.commands)
            if block.language == "text":
                said = self.flat(self.said)
                missing = [line for line in block.text.splitlines() if self.flat(line) not in said]
                assert not missing, f"{block}: {missing} is not in\n{self.said}"

    def flat(self, text: str) -> str:
        """What is printed, whatever run and folder it is of and however wide the terminal."""
        known = RUN_ID.sub("-RUN", text.replace(f"{self.home}/", ""))
        return " ".join(known.replace(" \\\n", " ").removesuffix(" \\").split())

    def type(self, block: Block, line: str) -> str:
        words, comment = shlex.split(line, comments=True), line.rpartition("#")[2].strip()
        if words[0] == ".":
            return ""
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self.env[name] = value
            return ""
        expected = int(comment.removeprefix("exit ")) if comment.startswith("exit ") else 0
        run = MADE.get(" ".join(words), words)
        done = subprocess.run(run, capture_output=True, text=True, cwd=self.home, env=self.env, check=False)
        assert done.returncode == expected, f"{block}: {line}\n{done.stdout}{done.stderr}"
        return done.stdout


def test_the_readme_shows_the_card_of_the_demo_and_how_to_check_a_file(home: Path) -> None:
    (home / "invoices.csv").write_text("invoice_id,amount\na,1.00\nb,2.50\n", encoding="utf-8")
    Reader(home).follow("README.md")


def test_the_tutorial_ends_as_it_says(home: Path) -> None:
    def not_again(block: Block) -> bool:
        """The demo was made by the test before, where it ran."""
        return "make demo" not in block.text or not (home / "build" / "demo" / "docs").is_dir()

    reader = Reader(home)
    reader.env |= {"DQ_WAREHOUSE": "build/demo/warehouse", "DQ_DEMO_DIR": "build/demo/sources"}
    reader.follow("docs/tutorial.md", not_again)


def test_another_company_is_adopted_as_the_page_says(tmp_path: Path) -> None:
    home = pages.project(tmp_path)
    shutil.copytree(ROOT / "docs", home / "docs")
    Reader(home).follow("docs/adopting.md")
