"""What the seeded defects are caught by: `make catches` runs each and writes the table into the README.

The slow test that plants each defect says in its report which checks found it; this reads that report and nothing else:
what stands in the table was found by a run that was made.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

import pytest

from dq.demo import catalogue
from dq.runbooks.blocks import write_atomically

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- catches:begin -->", "<!-- catches:end -->"
MONTH = "2026-10"
SHOWN = 4


def caught_by(request: pytest.FixtureRequest, defect: str, checks: list[str]) -> None:
    """Say in the test's report which checks found a planted defect."""
    request.node.user_properties.append(("defect", defect))
    request.node.user_properties.append(("caught_by", " ".join(checks)))


def main() -> int:
    report = ROOT / "build" / "catches.xml"
    report.parent.mkdir(exist_ok=True)
    runner = [sys.executable, "-m", "pytest", "-m", "slow", "-n", "2", "--dist", "loadgroup", "-q"]
    words = [*runner, f"--junitxml={report}", "tests/runs/test_defects.py"]
    code = subprocess.call(words, cwd=ROOT)
    found = read(report)
    readme = ROOT / "README.md"
    write_atomically(readme, replaced(readme.read_text(encoding="utf-8"), table(found)))
    missed = sorted({one.id for one in catalogue.catalogue(MONTH) if not one.harmless} - set(found))
    print(f"{len(found)} defects caught" + (f"; not caught: {', '.join(missed)}" if missed else ""))
    return code or (1 if missed else 0)


def read(report: Path) -> dict[str, list[str]]:
    """Per defect whose test passed, the checks that found it."""
    found = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - see above
        properties = {one.get("name"): one.get("value") for one in case.iter("property")}
        failed = any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
        if properties.get("defect") and not failed:
            found[str(properties["defect"])] = str(properties["caught_by"]).split()
    return found


def table(found: dict[str, list[str]]) -> str:
    """One line per way of failing: how many defects were planted and caught, in which pipelines, and by what."""
    planted = defaultdict(list)
    for one in catalogue.catalogue(MONTH):
        if not one.harmless:
            planted[one.failure_class].append(one)
    lines = ["| class | planted | caught | planted for | caught by, among others |", "|---|--:|--:|---|---|"]
    for name, defects in sorted(planted.items()):
        caught = [one for one in defects if one.id in found]
        pipelines = dict.fromkeys(f"`{one.pipeline}`" for one in defects)
        checks = dict.fromkeys(f"`{found[one.id][0]}`" for one in caught if found[one.id])
        lines.append(
            f"| {name} | {len(defects)} | {len(caught)} | {', '.join(pipelines)} | {', '.join([*checks][:SHOWN])} |"
        )
    total = sum(len(defects) for defects in planted.values())
    lines.append(f"| all | {total} | {len(set(found) & {d.id for ds in planted.values() for d in ds})} | | |")
    return "\n".join(lines)


def replaced(text: str, block: str) -> str:
    """The README with the block between its markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{block}\n{END}{after}"


if __name__ == "__main__":
    sys.exit(main())
