"""Reading a runbook page: head, sections, links and commands, with the lines of the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from runbook_samples import PAGE, line_of, page

from dq.base.errors import ConfigError
from dq.runbooks import load_page, load_pages

ROOT = Path(__file__).resolve().parents[2]


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        page(text)
    return [str(finding) for finding in caught.value.findings]


def test_a_way_of_failing_is_found_by_class_and_by_anchor() -> None:
    found = page()
    way = found.section_for_class("F11")
    assert way is not None
    assert (way.title, way.anchor, way.level) == ("Figures differ from the books", "figures-differ-from-the-books", 3)
    assert way.start == line_of(PAGE, "### Figures")
    assert way.end == len(PAGE.splitlines()) + 1  # the empty line after the last line end
    parts = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Escalation", "Resolved when", "In capitals", "Checks")
    assert way.parts == parts
    assert found.section("figures-differ-from-the-books") is way
    assert found.anchors == ["figures-differ-from-the-books"]
    assert found.anchor_for_class("F11") == "figures-differ-from-the-books"
    assert found.class_of("figures-differ-from-the-books") == "F11"


def test_what_is_not_there_is_none() -> None:
    found = page()
    assert found.section("figures") is None
    assert found.section_for_class("F01") is None
    assert found.anchor_for_class("F01") is None
    assert found.class_of("figures") is None
    assert found.class_of("description") is None


def test_a_section_ends_where_the_next_of_its_level_begins() -> None:
    found = page()
    way = found.section("types-of-data")
    assert way is not None
    assert found.lines(way) == ["", "Money.", ""]


def test_headings_inside_code_are_no_headings_and_marks_are_dropped() -> None:
    found = page(
        PAGE.replace("What it is.", "```\n## no heading\n```\n\n### `profit` of *every* [month](#description)")
    )
    assert found.section("no-heading") is None
    assert found.section("profit-of-every-month") is not None


def test_links_and_commands_carry_their_line() -> None:
    found = page()
    assert [(link.target, link.line) for link in found.links()] == [
        ("#description", line_of(PAGE, "[the description]"))
    ]
    assert [(c.text, c.line) for c in found.commands()] == [("dq show RUN --check CHECK", line_of(PAGE, "dq show"))]


def test_continued_command_lines_are_one_and_comments_none() -> None:
    text = PAGE.replace("dq show RUN --check CHECK", "# look\ndq show RUN \\\n  --check CHECK\n\ndq lint")
    found = [(command.text, command.line) for command in page(text).commands()]
    first = line_of(text, "dq show RUN")
    assert found == [("dq show RUN --check CHECK", first), ("dq lint", first + 3)]


def test_only_sh_blocks_hold_commands() -> None:
    assert list(page(PAGE.replace("```sh", "```text")).commands()) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("owner: Business Analytics Team\n", "", "owner", "required"),
        ("owner: Business", "ownr: x\nowner: Business", "ownr", "unknown key"),
        ("day: 25", "day: 31", "levels[0].day:", "not every month has a day 31; give 1 to 28"),
        (
            "after: pre-validated",
            "after: validated",
            "escalation[0].after",
            "no level has the id validated; valid: fixed,",
        ),
        ("id: pre-validated", "id: fixed", "levels[1].id", "appears here twice"),
        ("backup: danny", "backup: anna", "backup", "stand in for themselves"),
        ("checks: [ties_out]", "checks: []", "critical_metrics[0].checks", "at least 1 item"),
    ],
)
def test_a_mistake_in_the_head_is_told_with_its_line(old: str, new: str, where: str, message: str) -> None:
    text = PAGE.replace(old, new, 1)
    assert text != PAGE
    found = [line for line in mistakes(text) if where in line and message in line]
    assert found, mistakes(text)
    if new:
        expected = line_of(text, "fixed by") if where == "levels[1].id" else line_of(text, new.splitlines()[0])
        assert found[0].startswith(f"runbooks/profit/README.md:{expected}: ")


def test_a_page_without_head_says_what_a_page_begins_with() -> None:
    assert mistakes("# profit\n") == [
        "runbooks/profit/README.md:1: a page begins with its front matter: YAML between two lines ---"
    ]
    assert mistakes("---\nowner: x\n") == mistakes("# profit\n")
    assert mistakes("") == mistakes("# profit\n")


def test_a_class_line_that_does_not_stand_under_a_heading_is_told() -> None:
    text = PAGE.replace("They differ.", "They differ.\n\nClass: F12")
    assert mistakes(text)[0].startswith(f"runbooks/profit/README.md:{line_of(text, 'Class: F12')}: a Class line stands")
    under_a_part = PAGE.replace("They differ.", "Class: F12")
    assert "a Class line stands" in mistakes(under_a_part)[0]


def test_a_class_line_in_code_is_an_example() -> None:
    assert page(PAGE.replace("They differ.", "```\nClass: F12\n```")).anchors == ["figures-differ-from-the-books"]


def test_windows_line_ends_and_odd_line_separators_do_not_move_lines(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(PAGE.replace("What it is.", "What\u2028it\x0cis.").replace("\n", "\r\n").encode())
    found = load_page(tmp_path)
    way = found.section_for_class("F11")
    assert way is not None
    assert way.start == line_of(PAGE, "### Figures")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(b"---\n\xff\n---\n")
    with pytest.raises(ConfigError, match=r"README.md: is not UTF-8 \(byte 4\)"):
        load_page(tmp_path)


def test_a_folder_s_pages_are_read_with_the_mistakes_of_all(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# no page\n", encoding="utf-8")
    for name, text in (("profit", PAGE), ("all", "# for all\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(text, encoding="utf-8")
    assert [*load_pages(tmp_path)] == ["profit"]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text("no page", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_pages(tmp_path)
    assert [finding.file for finding in caught.value.findings] == ["runbooks/a/README.md", "runbooks/b/README.md"]
