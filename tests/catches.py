"""What the seeded defects are caught by: `make catches` runs each and writes docs/catches.md.

The slow test that plants each defect says in its report which checks found it; this reads that report and nothing else:
what stands in the table was found by a run that was made. `make catches ARGS="F05 F12"` runs those classes only, and
writes their lines anew; the other lines stay as the run before wrote them.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pytest

from demo import catalogue
from dq.base.failure_classes import FailureClass
from dq.runbooks.blocks import write_atomically

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "catches.md"
MONTH = "2026-10"
SHOWN = 4
COLUMNS = 6
HEAD = """\
# What is caught

Written by `make catches`, which plants every defect and runs the pipelines that must find it. On two cores that takes
over an hour. `make catches ARGS="F05 F12"` does so for some classes only.

Each class of failure has a number, F01 to F26, and each number is a section of the runbook. A defect of each class is
planted wherever a pipeline looks for it: in the demo company's data, or in a copy of a job. It must be caught by the
one check that is named for it, with severity, section and owner.

```sh
dq demo --faults
dq demo --fault F18
dq demo --fault F11-ledger-marketing
```

`--faults` lists the defects. `--fault` shows one of them, or the first of a class.

"""
FOOT = """
Reports that are not delivered (F21) lie in no data and in no job, so nothing is planted for them. They have tests of
their own.
"""


def caught_by(request: pytest.FixtureRequest, defect: str, checks: list[str]) -> None:
    """Say in the test's report which checks found a planted defect."""
    request.node.user_properties.append(("defect", defect))
    request.node.user_properties.append(("caught_by", " ".join(checks)))


def main(classes: Collection[str]) -> int:
    wanted = [one for one in catalogue.catalogue(MONTH) if not classes or one.failure_class in classes]
    unknown = set(classes) - {one.failure_class for one in wanted}
    if unknown:
        print(f"no defect is planted of {', '.join(sorted(unknown))}; dq demo --faults lists them", file=sys.stderr)
        return 2
    report = ROOT / "build" / "catches.xml"
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    runner = [sys.executable, "-m", "pytest", "-m", "slow", "-n", "2", "--dist", "loadgroup", "-q"]
    words = [*runner, f"--junitxml={report}", "tests/runs/test_defects.py"]
    code = subprocess.call([*words, *(["-k", " or ".join(sorted(classes))] if classes else [])], cwd=ROOT)
    if not report.is_file():
        return code
    found = read(report)
    write_atomically(PAGE, page(found, PAGE.read_text(encoding="utf-8") if classes else ""))
    missed = sorted({one.id for one in wanted if not one.harmless} - set(found))
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


def page(found: Mapping[str, Sequence[str]], before: str = "") -> str:
    """The page: what is planted, and the table of what was found.

    Of a class of which nothing was found now the line stays that the page had ``before``.
    """
    return f"{HEAD}{table(found, before)}\n{FOOT}"


def table(found: Mapping[str, Sequence[str]], before: str = "") -> str:
    """One line per way of failing: how many defects were planted and caught, in which pipelines, and by what."""
    planted = defaultdict(list)
    for one in catalogue.catalogue(MONTH):
        if not one.harmless:
            planted[one.failure_class].append(one)
    known = {cells[1].strip(): line for line in before.splitlines() if len(cells := line.split("|")) == COLUMNS + 2}
    lines = []
    for name, defects in sorted(planted.items()):
        caught = [one for one in defects if one.id in found]
        pipelines = dict.fromkeys(f"`{one.pipeline}`" for one in defects)
        checks = dict.fromkeys(f"`{found[one.id][0]}`" for one in caught if found[one.id])
        cells = (name, FailureClass(name).means, len(defects), len(caught), ", ".join(pipelines))
        line = f"| {' | '.join(map(str, cells))} | {', '.join([*checks][:SHOWN])} |"
        lines.append(line if caught else known.get(name, line))
    sums = [sum(int(line.split("|")[column]) for line in lines) for column in (3, 4)]
    head = ["| class | means | planted | caught | planted for | caught by, among others |", "|---|---|--:|--:|---|---|"]
    return "\n".join([*head, *lines, f"| all | | {sums[0]} | {sums[1]} | | |"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
