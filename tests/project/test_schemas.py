"""The schemas for editors: those in the repository are fresh, accept our files, and refuse what the readers refuse."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from dq.base import yamlfile
from dq.cli import main
from dq.declare.json_schemas import schemas
from dq.runbooks.frontmatter import read_head, read_text

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "schemas"
PAGES = sorted((ROOT / "runbooks").glob("*_*/README.md"))
FILES = {
    "contracts": [ROOT / "jobs/contracts.yml"],
    "page": PAGES,
    "pipelines": [ROOT / "jobs/pipelines.yml"],
    "roster": [ROOT / "runbooks/roster.yml"],
    "rules": [ROOT / "jobs/rules.yml"],
    "settings": [ROOT / "jobs/settings.yml"],
    "sources": [ROOT / "jobs/sources.yml", ROOT / "jobs/ravenstack.yml"],
    "suite": sorted((ROOT / "expectations").glob("*/*.yml")),
}


def data(path: Path) -> yamlfile.Json:
    if path.suffix == ".md":
        return read_head(read_text(path, path.name), path.name)[1].data
    return yamlfile.read(path).data


def validator(name: str) -> Draft202012Validator:
    schema = json.loads(schemas()[name])
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_schemas_of_the_repository_are_those_of_the_models() -> None:
    assert {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == schemas()


def test_the_command_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--schemas", str(tmp_path / "new")]) == 0
    assert {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "new").iterdir()} == schemas()


@pytest.mark.parametrize("name", FILES)
def test_every_declared_file_of_ours_is_accepted(name: str) -> None:
    check = validator(name)
    for path in FILES[name]:
        assert [f"{path.name}: {error.json_path} {error.message}" for error in check.iter_errors(data(path))] == []


def set_at(*key: str | int, to: object) -> Callable[[yamlfile.Json], None]:
    def change(document: yamlfile.Json) -> None:
        inner = document
        for part in key[:-1]:
            inner = inner[part]  # type: ignore[index, call-overload]
        inner[key[-1]] = to  # type: ignore[index, call-overload]

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("roster", set_at("zona", to="UTC")),
        ("roster", set_at("people", "danny", "contact", to="danny@example.com")),
        ("roster", set_at("rotation", "handover", to="9 o'clock")),
        ("roster", set_at("watch", 0, "hours", 0, "days", to=["mondays"])),
        ("roster", set_at("leave", to=[{"person": "anna", "first": "soon", "last": "2026-08-01"}])),
        ("page", set_at("levels", 0, "kind", to="someday")),
        ("page", set_at("reviews", 0, "every", to="year")),
        ("pipelines", set_at("pipelines", "profit_unit", "grain", to="hour")),
        ("sources", set_at("tables", to={})),
        ("sources", set_at("tables", "accounts", "format", to="kafka")),
        ("contracts", set_at("sources", "revenue", "keys", to=["line_id"])),
        ("settings", set_at("warehous", to="x")),
        ("suite", set_at("expectations", 0, "type", to="expect_the_unexpected")),
        ("suite", set_at("expectations", 0, "severity", to="grave")),
        ("rules", set_at("allocation", 0, "effective_from", to="soon")),
    ],
)
def test_a_mistake_an_editor_can_see_is_refused(name: str, change: Callable[[yamlfile.Json], None]) -> None:
    document = copy.deepcopy(data(FILES[name][-1] if name == "page" else FILES[name][0]))
    change(document)
    with pytest.raises(ValidationError):
        validator(name).validate(document)
