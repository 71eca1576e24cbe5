"""The run key: two runs with the same key would publish the same bytes for the same reasons."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from dq.base.model import InputRef, Window


@cache
def code_hash(*files: Path) -> str:
    """A hash over this package's own code and the given job files."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    for path in (*sorted(package.rglob("*.py")), *files):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def text_hash(texts: Mapping[str, str]) -> str:
    """A hash over named texts, independent of their order."""
    return hashlib.sha256(json.dumps(dict(texts), sort_keys=True).encode()).hexdigest()


def run_key(
    *,
    pipeline: str,
    window: Window,
    knowledge: str,
    inputs: Sequence[InputRef],
    code: str,
    configuration: str,
    waivers: str,
    compared_with: str,
) -> str:
    """The run key as hex.

    ``knowledge`` is ``all`` when every row of the inputs was known at the as-of instant, else that instant: then the
    instant decides which rows are read. ``compared_with`` names the published version figures are compared with.
    """
    parts = {
        "pipeline": pipeline,
        "period": window.period,
        "kind": window.kind,
        "data_through": window.data_through.isoformat(),
        "knowledge": knowledge,
        "inputs": sorted((item.name, item.fingerprint) for item in inputs),
        "code": code,
        "configuration": configuration,
        "waivers": waivers,
        "compared_with": compared_with,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
