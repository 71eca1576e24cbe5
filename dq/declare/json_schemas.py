"""JSON Schemas of the declared files, for editors: made from the models that read them, so that both say the same.

A schema knows one file. What needs two (a team that is not on the roster, an anchor that is not on a page) is told by
``dq lint``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import BaseModel

from dq.base.model import Json, Severity
from dq.checks import type_pages
from dq.declare.registry import RegistryModel
from dq.declare.settings import Settings
from dq.declare.suites import SuiteModel
from dq.people.roster_file import DAY_SCHEMA, RosterModel
from dq.runbooks.frontmatter import FrontMatter
from dq.sources.contracts import ContractsFile
from dq.sources.declared import SourcesFile

MODELS: Mapping[str, type[BaseModel]] = {
    "contracts": ContractsFile,
    "page": FrontMatter,
    "pipelines": RegistryModel,
    "roster": RosterModel,
    "settings": Settings,
    "sources": SourcesFile,
    "suite": SuiteModel,
}
# Rules are the jobs' own: what every version of one has is all that is known of them here.
_RULES: dict[str, Json] = {
    "type": "object",
    "additionalProperties": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "required": ["version", "effective_from"],
            "properties": {"version": {"type": "string"}, "effective_from": DAY_SCHEMA},
        },
    },
}


def schemas() -> dict[str, str]:
    """The text of each schema by the name of its file."""
    found = {name: model.model_json_schema() for name, model in MODELS.items()}
    entry = found["suite"]["$defs"]["ExpectationModel"]
    entry["properties"]["type"]["enum"] = type_pages.names()
    entry["properties"]["severity"]["enum"] = [*Severity]
    entry["allOf"] = type_pages.kwargs_schemas()
    found["rules"] = {"title": "Rules of calculation", **_RULES}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: json.dumps({**head, **schema}, indent=2) + "\n" for name, schema in sorted(found.items())}
