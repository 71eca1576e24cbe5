"""The lists of suites that registries had before suites were laid by pipeline and dataset."""

from __future__ import annotations

from dataclasses import replace

from dq.base import yamlfile
from dq.base.errors import Finding


def without(document: yamlfile.Document) -> tuple[yamlfile.Document, list[Finding]]:
    """The registry without the lists of suites that earlier ones had, and where each of those suites belongs now."""
    data = document.data
    pipelines = data.get("pipelines") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(pipelines, dict):
        return document, []
    found, kept = [], {}
    for name, item in pipelines.items():
        kept[name] = item
        if isinstance(item, dict) and "suites" in item:
            kept[name] = {key: value for key, value in item.items() if key != "suites"}
            message = (
                f"is no longer needed, and to be deleted: {name} takes expectations/{name}/DATASET.yml and "
                "expectations/all/DATASET.yml of every dataset it reads or publishes; move its suites there"
            )
            found.append(document.finding(("pipelines", name, "suites"), message))
    return replace(document, data={**data, "pipelines": kept}), found
