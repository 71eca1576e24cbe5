from pathlib import Path

import pytest

from dq.base import yamlfile
from dq.base.errors import ConfigError


def data(text: str) -> object:
    return yamlfile.parse(text.encode(), "x.yml").data


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        yamlfile.parse(text.encode(), "x.yml")
    return [str(finding) for finding in caught.value.findings]


@pytest.mark.parametrize(
    "word", ["on", "off", "no", "yes", "1:30", "2026-10-05", "0o17", "1_000", "0x1f", ".inf", ".nan"]
)
def test_words_that_yaml_1_1_would_convert_stay_text(word: str) -> None:
    assert data(f"key: {word}") == {"key": word}


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("7", 7), ("-0.5", -0.5), ("~", None), ("", None), ("1e3", 1000.0)]
)
def test_core_schema_scalars_are_typed(text: str, value: object) -> None:
    assert data(f"key: {text}") == {"key": value}


def test_a_key_that_stands_twice_is_a_mistake_with_its_line() -> None:
    assert mistakes("a: 1\nb:\n  c: 1\n  c: 2\n") == ["x.yml:4: b.c: this key appears twice in the same mapping"]


def test_anchors_and_aliases_are_refused_before_they_are_expanded() -> None:
    assert mistakes("a: &x [1]\nb: *x\n") == ["x.yml:1: anchors and aliases are not allowed; write the value out"]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['true']", "!include other.yml", "!!binary aGk="])
def test_tags_are_refused(tag: str) -> None:
    assert "is not allowed" in mistakes(f"a: {tag}\n")[0]


def test_deep_nesting_and_large_files_are_refused() -> None:
    assert "nested deeper than 50 levels" in mistakes("[" * 60 + "]" * 60)[0]
    assert "at most 1,000,000 are read" in mistakes("a: " + "x" * 1_000_001)[0]


def test_broken_yaml_names_the_line() -> None:
    assert mistakes("a: 1\nb: [1, 2\nc: 3\n")[0].startswith("x.yml:3: ")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yml: cannot be read: No such file"):
        yamlfile.read(tmp_path / "none.yml")


def test_a_file_that_is_not_utf8_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_bytes(b"a: \xff\n")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        yamlfile.read(path)


def test_every_key_and_item_knows_its_line() -> None:
    document = yamlfile.parse(b"a:\n  - x: 1\n  - x: 2\n", "x.yml")
    assert document.line(("a", 1, "x")) == 3
    assert document.line(("a", 1, "not there")) == 3
    assert yamlfile.dotted(("a", 1, "x")) == "a[1].x"
