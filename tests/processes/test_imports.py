"""What an import or a command loads, seen in a process of its own: no heavy library that it does without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from notify_support import failed, ran

from dq.store import Warehouse
from dq.tell import incidents

ROOT = Path(__file__).resolve().parents[2]


def printed(code: str) -> str:
    """The last line that a Python of its own prints for this code, in the folder of the project."""
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()[-1]


def test_importing_dq_loads_neither_spark_nor_great_expectations_nor_pandas() -> None:
    code = "import sys, dq, dq.cli; print([m for m in ('pyspark', 'great_expectations', 'pandas') if m in sys.modules])"
    assert printed(code) == "[]"


def test_reading_a_suite_waits_for_neither_spark_nor_the_diagnosis() -> None:
    code = """
import sys
from dq.checks.custom_types import CUSTOM_TYPES
assert len(CUSTOM_TYPES) > 40
print([name for name in ("pyspark", "pyarrow", "pandas", "great_expectations") if name in sys.modules])
"""
    assert printed(code) == "[]"


def test_neither_command_loads_spark(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    warehouse.prepare()
    incidents.note(warehouse, ran("2026-11-24 15:00", failed()))
    code = f"""
import sys
from dq.cli import main
for words in (["status"], ["deliver"]):
    assert main([*words, "--warehouse", {str(warehouse.root)!r}]) == 0
print([name for name in ("pyspark", "pandas", "great_expectations") if name in sys.modules])
"""
    assert printed(code) == "[]"


def test_who_is_on_call_is_answered_without_the_libraries_of_a_run() -> None:
    code = """
import sys
from dq.cli import main
assert main(["oncall", "--pipeline", "investor_profit"]) == 0
heavy = ("pyspark", "great_expectations", "pandas", "numpy", "pyarrow", "sqlglot", "markdown_it", "jinja2", "icalendar")
print([name for name in heavy if name in sys.modules], len([m for m in sys.modules if "holidays.countries." in m]))
"""
    assert printed(code) == "[] 1"


@pytest.mark.slow
def test_each_country_is_found_alone_and_is_that_of_the_library() -> None:
    code = """
import holidays
from dq.people.calendar import _class_of
codes = holidays.list_supported_countries()
found = {code: _class_of(code) for code in codes}
import holidays.countries
print(len(codes), [code for code in codes if found[code] is not getattr(holidays.countries, code)])
"""
    count, wrong = printed(code).split(maxsplit=1)
    assert (int(count) > 200, wrong) == (True, "[]")


def test_reports_import_neither_spark_nor_pandas_nor_great_expectations() -> None:
    code = (
        "import sys, dq.show, dq.base.serialize, dq.checks.custom_kwargs, dq.docs.build, dq.gx.registered_types;"
        "print([m for m in ('pyspark', 'pandas', 'great_expectations', 'rich') if m in sys.modules])"
    )
    assert printed(code) == "[]"


def test_reading_the_declared_files_needs_neither_spark_nor_arrow() -> None:
    code = (
        "import sys; from pathlib import Path; from dq import sources;"
        "sources.load_sources(Path('jobs/sources.yml'), sources.load_contracts(Path('jobs/contracts.yml')));"
        "print([m for m in ('pyspark', 'pyarrow', 'pandas', 'great_expectations') if m in sys.modules])"
    )
    assert printed(code) == "[]"
