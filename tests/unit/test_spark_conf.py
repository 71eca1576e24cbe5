"""Every setting in spark-conf/ is given once, has its reason above it, and keeps what a run depends on."""

from pathlib import Path

import pytest

from dq.session import REQUIRED, properties

FOLDER = Path(__file__).resolve().parents[2] / "spark-conf"
FILES = sorted(FOLDER.glob("*.conf")) + sorted(FOLDER.glob("*.properties"))


def unexplained(text: str) -> list[str]:
    """The settings without a comment above their block; a block ends at a blank line or the next comment."""
    found, explained = [], False
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            explained = True
        elif not stripped:
            explained = False
        elif not explained:
            found.append(stripped)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_has_a_reason_above_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".conf":
        assert unexplained(text) == []
    assert text.startswith("#")


def test_a_setting_without_a_reason_would_be_found() -> None:
    assert unexplained("# why\na 1\n\nb 2\n") == ["b 2"]


def test_no_setting_is_given_twice() -> None:
    keys = [
        line.split()[0]
        for line in (FOLDER / "local.conf").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    ]
    assert len(keys) == len(set(keys)) == len(properties(FOLDER / "local.conf"))


def test_what_a_guarded_run_depends_on_is_set() -> None:
    settings = properties(FOLDER / "local.conf")
    assert {key: settings.get(key) for key in REQUIRED} == REQUIRED
    assert settings["spark.speculation"] == "false"
