"""Words that this project writes in one way, in everything that is read: code, pages, declared files and messages."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = {".conf", ".css", ".j2", ".md", ".properties", ".py", ".sh", ".toml", ".yml"}
# What is not written, and what is written instead. Add a word here: the test below finds it in the whole tree.
REFUSED = {
    r"(?<!\bthere )\bis no\b(?! longer\b| more than\b)": "is not a",
    r"\b(that|which|they|these|those) are no\b(?! longer\b| more than\b)": "are not",
    r"\b(where|when) it is none\b": "say what it then is",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\b(cannot|can not|can|could not|couldn't|could) be had\b": "cannot be computed, or is missing",
}


def texts() -> dict[str, str]:
    """Every text of the tree but tests, each as one line: a sentence goes on where a comment or a paragraph breaks."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = {}
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if name.startswith("tests/") or path.suffix not in READ or not path.is_file():
            continue
        found[name] = one_line(path.read_text(encoding="utf-8"))
    return found


def one_line(text: str) -> str:
    return re.sub(r"\s*\n[ \t]*(?:#[ ]|\*[ ])?[ \t]*", " ", text)


def refused(text: str) -> list[str]:
    return [
        f"…{text[max(0, found.start() - 50) : found.end() + 20]}…: {instead}"
        for pattern, instead in REFUSED.items()
        for found in re.finditer(pattern, text, re.IGNORECASE)
    ]


def test_no_text_has_a_word_that_is_refused() -> None:
    read = texts()
    assert len(read) > 400
    assert [f"{name}: {found}" for name, text in read.items() for found in refused(text)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("There is no such file; it is no longer there, and that is no more than one.", 0),
        ("This is no log.", 1),
        ("This is\n# no log, of weekdays that are no holiday.", 2),
        ("A figure that cannot be\nhad; mended where it is none.", 3),
    ],
)
def test_words_are_found_across_lines(text: str, found: int) -> None:
    assert len(refused(one_line(text))) == found
