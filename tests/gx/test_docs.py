"""The data docs site: what stands on its pages, that nothing on them can execute, and that no run gets lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from custom_type_examples import VALID
from run_records import LEDGER, MARGIN, guidance, held, passed, published, record, result, waiver_note

from dq.base.errors import UsageError
from dq.base.model import Check, CheckResult, Died, Kind, Outcome, RunRecord, Severity, Verdict
from dq.checks.custom_kwargs import describe
from dq.docs import build
from dq.docs import site as files
from dq.gx.export import gx_json
from dq.gx.load import load
from dq.show import render


class Page(HTMLParser):
    """A page as a browser's parser sees it: its tags with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.chunks: list[str] = []
        self.rows: list[list[str]] = []
        self._open: list[list[str]] = []
        self._cells: list[list[str]] = []  # the open cells, outermost first: tables nest
        self._style = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "tr":
            self.rows.append([])
            self._open.append(self.rows[-1])
        if tag in ("td", "th"):
            self._cells.append([])
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._open[-1].append("".join(self._cells.pop()))
        if tag == "tr":
            self._open.pop()
        if tag == "style":
            self._style = False

    def handle_data(self, data: str) -> None:
        if self._style:
            return
        self.chunks.append(data)
        for cell in self._cells:
            cell.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.chunks).split())

    def row(self, check: str) -> list[str]:
        [found] = [row for row in self.rows if len(row) == 6 and row[1].split()[:1] == [check]]
        return [" ".join(cell.split()) for cell in found]

    def links(self) -> list[str]:
        return [attrs["href"] for tag, attrs in self.tags if tag == "a" and "href" in attrs]


def page(site: Path, run: RunRecord) -> Page:
    return Page(build.publish(site, run).read_text(encoding="utf-8"))


def declared(found: CheckResult, **changes: object) -> Check:
    values = {
        name: getattr(found, name)
        for name in ("check", "dataset", "type", "kwargs", "severity", "description", "runbook", "failure_class")
    }
    return Check(**{**values, **changes})


# What stands on a run's page


def test_a_failed_check_shows_severity_owner_on_call_and_a_link_to_its_runbook_section(tmp_path: Path) -> None:
    found = page(tmp_path, held())
    status, expectation, observed, severity, owner, runbook = found.row("profit_ties_out_to_ledger")
    assert status == "✗ failed"
    assert "totals must equal ledger by line within 0.01: expense_marketing = marketing" in expectation
    assert observed == LEDGER.observed
    assert severity == "critical"
    assert owner == "Business Analytics Team; on call Laura until Mon 30 Nov 09:00 (backup Jane)"
    assert runbook == "Figures differ from the books"
    assert "../../runbooks/investor_profit.html#figures-differ-from-the-books" in found.links()


def test_the_card_stands_on_top_of_the_page(tmp_path: Path) -> None:
    text = page(tmp_path, held()).text
    assert "HOLD investor_profit 2026-11, data through 24 Nov" in text
    assert "2 of 14 checks failed, 0 could not be evaluated version 41 stays" in text
    assert (
        text.index("HOLD") < text.index("profit_ties_out_to_ledger") < text.index("✗ failed") < text.index("✓ passed")
    )
    assert "fixed by Mon 30 Nov; to the Lead Fri 27 Nov 09:00" in text


def test_the_failing_lines_of_a_comparison_are_a_table(tmp_path: Path) -> None:
    found = page(tmp_path, held())
    assert ["line", "ours", "theirs", "off_by"] in found.rows
    assert ["marketing", "1204311.20", "1204811.20", "500.00"] in found.rows


def test_the_four_outcomes_are_told_apart(tmp_path: Path) -> None:
    run = record(
        result("a_passed"),
        result("b_failed", Outcome.FAILED, observed="3 rows"),
        result("c_errored", Outcome.ERRORED, reason="no rows to evaluate"),
        result("d_pending", Outcome.NOT_RUN, reason="pending until final"),
    )
    found = page(tmp_path, run)
    shown = {check: found.row(check)[0] for check in ("a_passed", "b_failed", "c_errored", "d_pending")}
    assert shown == {
        "a_passed": "✓ passed",
        "b_failed": "✗ failed",
        "c_errored": "? could not evaluate",
        "d_pending": "– not run",
    }
    assert found.row("c_errored")[2] == "no rows to evaluate"
    assert found.row("d_pending")[2] == "pending until final"
    assert "raised an exception" not in found.text


def test_datasets_with_failures_come_first_and_failures_first_in_each(tmp_path: Path) -> None:
    run = record(
        result("a", dataset="accounts"),
        result("b", dataset="revenue"),
        result("c", Outcome.FAILED, dataset="revenue", observed="x"),
        result("d", Outcome.ERRORED, dataset="targets", reason="x"),
    )
    names = [row[1].split()[0] for row in page(tmp_path, run).rows if len(row) == 6 and row[0] != "Status"]
    names = [name for name in names if name in "abcd"]
    assert names == ["c", "b", "d", "a"]


def test_great_expectations_words_the_sentence_and_the_counts(tmp_path: Path) -> None:
    expectation = page(tmp_path, held()).row("margin_in_usual_band")[1]
    assert "margin values must be greater than or equal to 0.18 and less than or equal to 0.35" in expectation
    assert "1 unexpected values found. 2.5% of 40 total rows." in expectation


@pytest.mark.parametrize(
    ("type_name", "kwargs"),
    [
        ("expect_something_else", {"q": 1}),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT 1"}),
        ("expect_column_values_to_be_in_set", {"q": 1}),
        ("expect_column_values_to_be_between", {"column": "x", "min_value": {"a": 1}}),
        ("expect_total_to_reconcile", {}),
        ("expect_column_values_to_not_be_null", {}),
    ],
)
def test_a_check_great_expectations_cannot_word_loses_neither_page_nor_row(
    tmp_path: Path, type_name: str, kwargs: dict[str, object]
) -> None:
    odd = result("odd_one", Outcome.FAILED, type=type_name, kwargs=kwargs, observed="3 rows")
    found = page(tmp_path, record(odd, LEDGER))
    assert found.row("odd_one")[0] == "✗ failed"
    assert found.row("odd_one")[2] == "3 rows"
    assert found.row("profit_ties_out_to_ledger")[0] == "✗ failed"


def test_every_custom_type_has_a_page_row_with_its_sentence(tmp_path: Path) -> None:
    results = [result(f"check_{n}", type=name, kwargs=kwargs) for n, (name, kwargs) in enumerate(VALID)]
    found = page(tmp_path, record(*results))
    for number, (name, kwargs) in enumerate(VALID):
        said = found.row(f"check_{number}")[1]
        assert re.sub(r"\W", "", describe(name, kwargs)) in re.sub(r"\W", "", said)


def test_a_waiver_stands_on_the_page_of_a_run_whose_check_passed(tmp_path: Path) -> None:
    written = build.publish(tmp_path, published(waivers=(waiver_note(reason="<b>booked</b> twice"),)))
    html = written.read_text(encoding="utf-8")
    assert "profit_ties_out_to_ledger: not needed, the check passed; up to 500.00 until 2026-11-30 for Danny" in html
    assert "&lt;b&gt;booked&lt;/b&gt; twice" in html


def test_a_run_before_that_died_stands_on_the_page_with_evidence_and_what_to_change(tmp_path: Path) -> None:
    change = {"setting": "spark.executor.memory", "value": "4g", "now": "1024m", "why": "a group did not fit"}
    words = {"cause": "executor_heap", "title": "the heap was too small", "confidence": "certain", "class": "F17"}
    cause = {**words, "evidence": ["line 7: <heap>"], "changes": [change], "runbook": "runbooks/p.md#memory"}
    died = Died(run="r", log="/logs/a", sentence="r left no record; see dq diagnose /logs/a", causes=[cause])
    text = page(tmp_path, replace(published(), died_before=died)).text
    for told in ("Died r left no record", "1. certain: executor_heap, the heap was too small", "seen: line 7: <heap>"):
        assert told in text
    assert "try: spark.executor.memory=4g (now 1024m): a group did not fit runbook: runbooks/p/memory.md" in text


def test_a_waived_check_says_so(tmp_path: Path) -> None:
    found = page(tmp_path, published(results=(replace(LEDGER, waived_by="Laura until 1 Dec"),)))
    assert found.row("profit_ties_out_to_ledger")[2].endswith("(waived by Laura until 1 Dec)")
    assert found.row("profit_ties_out_to_ledger")[3] == "critical · waived"


def test_a_run_held_by_its_upstream_shows_the_upstreams_card(tmp_path: Path) -> None:
    run = record(upstream=held(), verdict=Verdict.HOLD_NOT_EVALUATED, run="r2")
    text = page(tmp_path, run).text
    assert "upstream held" in text
    assert "profit_ties_out_to_ledger" in text


@pytest.mark.parametrize(
    "run",
    [
        published(),
        published(already_published=True, results=()),
        record(verdict=Verdict.HOLD_NOT_EVALUATED, error="the job stopped"),
        published(verdict=Verdict.PUBLISH_PARTIAL, partial=("expenses: absent",)),
        record(*[result(f"c{n}", Outcome.FAILED, observed="x") for n in range(150)]),
    ],
)
def test_every_kind_of_run_has_a_page_with_its_headline(tmp_path: Path, run: RunRecord) -> None:
    text = page(tmp_path, run).text
    for part in re.split(r" {2,}", render(run).splitlines()[0]):
        assert part in text


def test_a_link_to_a_section_that_is_gone_leads_to_the_top_of_its_page(tmp_path: Path) -> None:
    told = guidance(runbook="runbooks/investor_profit.md", runbook_url="runbooks/investor_profit.html")
    links = page(tmp_path, record(LEDGER, guidance={LEDGER.check: told})).links()
    assert links.count("../../runbooks/investor_profit.html") == 2


# The stored validation result


def test_the_validation_result_beside_the_page_is_great_expectations_own_format(tmp_path: Path) -> None:
    skipped = result("trend", Outcome.NOT_RUN, reason="not enough history: 1 of 3")
    bad = result("keys", Outcome.ERRORED, reason="no rows to evaluate")
    run = replace(held(), results=(*held().results, skipped, bad))
    path = build.publish(tmp_path, run).with_suffix(".json")
    text = path.read_text(encoding="utf-8")
    doc = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert text == render(run, "gx")

    load()
    from great_expectations.core.expectation_validation_result import expectationSuiteValidationResultSchema

    loaded = expectationSuiteValidationResultSchema.load(doc)
    assert loaded.success is False
    assert loaded.statistics == doc["statistics"]
    assert (loaded.statistics["evaluated_expectations"], loaded.statistics["successful_expectations"]) == (15, 12)
    by_check = {found["expectation_config"]["meta"]["dq"]["check"]: found for found in doc["results"]}
    assert "trend" not in by_check
    assert doc["meta"]["dq"]["not_run"] == [
        {
            "check": "trend",
            "dataset": "revenue",
            "reason": "not enough history: 1 of 3",
            "type": "expect_column_values_to_not_be_null",
        }
    ]
    assert by_check["keys"]["exception_info"]["raised_exception"] is True
    assert by_check["keys"]["exception_info"]["exception_message"] == "no rows to evaluate"
    assert by_check["keys"]["success"] is False
    assert by_check["margin_in_usual_band"]["expectation_config"]["severity"] == "warning"
    assert by_check["profit_ties_out_to_ledger"]["exception_info"]["raised_exception"] is False


def test_a_run_without_results_is_no_success_for_great_expectations() -> None:
    assert json.loads(gx_json(record(verdict=Verdict.HOLD_NOT_EVALUATED)))["success"] is False
    assert json.loads(gx_json(published()))["success"] is True


def test_numbers_that_json_cannot_carry_do_not_spoil_the_stored_result() -> None:
    odd = replace(MARGIN, gx_result={"observed_value": float("inf"), "x": float("nan")})
    doc = json.loads(gx_json(record(odd)), parse_constant=lambda name: pytest.fail(name))
    assert doc["results"][0]["result"]["observed_value"] == "inf"


# Suite pages


def test_the_suite_page_lists_every_check_with_severity_section_and_notes(tmp_path: Path) -> None:
    checks = [
        declared(LEDGER, notes="Finance closes on the 3rd business day"),
        declared(MARGIN),
        declared(result("fresh", type="expect_partition_to_be_fresh", kwargs={"column": "day", "max_age_hours": 24})),
        declared(result("odd_one", type="expect_something_else", kwargs={})),
    ]
    found = Page(build.publish_suite(tmp_path, "investor_profit", checks).read_text(encoding="utf-8"))
    for expected in (
        "4 declared checks",
        "profit_ties_out_to_ledger totals must equal ledger by line within 0.01",
        "margin_in_usual_band values must be greater than or equal to 0.18",
        "Finance closes on the 3rd business day",
        "newest day of day with 1 or more rows must be less than 24 hours old",
        "Not known to Great Expectations odd_one revenue: expect_something_else",
    ):
        assert expected in found.text
    assert "../runbooks/investor_profit.html#figures-differ-from-the-books" in found.links()
    assert {"critical", "warning"} <= set(found.text.split())


def test_two_checks_with_the_same_kwargs_are_both_on_the_suite_page(tmp_path: Path) -> None:
    checks = [
        declared(MARGIN),
        declared(MARGIN, check="margin_at_the_close", severity=Severity.CRITICAL, when=(Kind.FINAL,)),
    ]
    found = Page(build.publish_suite(tmp_path, "investor_profit", checks).read_text(encoding="utf-8"))
    assert "margin_in_usual_band" in found.text
    assert "margin_at_the_close" in found.text


def test_an_empty_suite_has_a_page(tmp_path: Path) -> None:
    found = Page(build.publish_suite(tmp_path, "investor_profit", []).read_text(encoding="utf-8"))
    assert "0 declared checks" in found.text


def test_the_run_page_links_the_suite_page_where_there_is_one(tmp_path: Path) -> None:
    link = "../../expectations/investor_profit.html"
    assert link not in page(tmp_path, held()).links()
    build.publish_suite(tmp_path, "investor_profit", [declared(LEDGER)])
    assert link in page(tmp_path, held()).links()


# The index


def index(site: Path) -> list[list[str]]:
    found = Page((site / "index.html").read_text(encoding="utf-8"))
    return [[" ".join(cell.split()) for cell in row] for row in found.rows[1:]]


def test_the_index_lists_runs_newest_first_with_verdict_version_and_worst(tmp_path: Path) -> None:
    old = published(run="r1")
    build.publish(tmp_path, replace(old, started=old.started.replace(day=1)))
    build.publish(tmp_path, held())
    assert index(tmp_path) == [
        [
            "HOLD",
            "investor_profit",
            "2026-11",
            "version 41 stays",
            "2 of 14 checks failed, 0 could not be evaluated",
            "critical",
            "2026-11-25 02:00:01",
        ],
        ["PUBLISHED", "profit_unit", "2026-10", "version 7", "31 of 31 checks passed", "–", "2026-11-01 02:00:01"],
    ]
    for link in Page((tmp_path / "index.html").read_text(encoding="utf-8")).links():
        assert (tmp_path / link).is_file()


def test_publishing_a_run_again_replaces_its_line(tmp_path: Path) -> None:
    build.publish(tmp_path, held())
    build.publish(tmp_path, replace(held(), stays=42))
    assert [row[3] for row in index(tmp_path)] == ["version 42 stays"]


def test_the_index_is_limited_and_says_so(tmp_path: Path) -> None:
    base = files.entry(held())
    for number in range(files.LISTED + 5):
        files.write_entry(tmp_path, replace(base, run=f"r{number:04}", started=f"2026-11-01T00:{number:04}"))
    files.write_index(tmp_path)
    assert len(index(tmp_path)) == files.LISTED
    assert f"The newest {files.LISTED} of {files.LISTED + 5} runs" in (tmp_path / "index.html").read_text("utf-8")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "\xff\xfe", '{"run": "r9"}', "NaN"],
)
def test_a_torn_entry_is_skipped_and_counted(tmp_path: Path, text: str) -> None:
    build.publish(tmp_path, held())
    torn = tmp_path / "runs" / "investor_profit" / "r9.json"
    torn.write_text(text, encoding="latin-1")
    files.write_index(tmp_path)
    assert len(index(tmp_path)) == 1
    assert "1 entry of the index could not be read" in (tmp_path / "index.html").read_text("utf-8")


def test_an_entry_cannot_point_outside_its_folder(tmp_path: Path) -> None:
    build.publish(tmp_path, held())
    [path] = (tmp_path / "runs").glob("*/*.json")
    doc = json.loads(path.read_text("utf-8"))
    path.with_name("r9.json").write_text(json.dumps({**doc, "run": "../../evil"}), encoding="utf-8")
    files.write_index(tmp_path)
    assert "evil" not in (tmp_path / "index.html").read_text("utf-8")


def test_the_site_is_rebuilt_from_the_records(tmp_path: Path) -> None:
    runs = [held(), published(run="r2"), published(run="r3", already_published=True, results=())]
    for run in runs:
        build.publish(tmp_path / "one", run)
    assert build.rebuild(tmp_path / "two", runs) == tmp_path / "two" / "index.html"
    first = {p.relative_to(tmp_path / "one"): p.read_bytes() for p in (tmp_path / "one").rglob("*.*") if p.is_file()}
    second = {p.relative_to(tmp_path / "two"): p.read_bytes() for p in (tmp_path / "two").rglob("*.*") if p.is_file()}
    assert first == second


def test_rebuilding_nothing_gives_an_index_that_says_so(tmp_path: Path) -> None:
    assert "No run has been published" in build.rebuild(tmp_path, []).read_text("utf-8")


def _publish_many(site: str, worker: int, barrier: object, runs: int) -> None:
    for number in range(runs):
        barrier.wait(60)
        files.write_entry(Path(site), replace(files.entry(held()), run=f"w{worker}-r{number}"))
        files.write_index(Path(site))


def test_publishers_at_the_same_time_lose_no_run(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers, runs = 4, 10
    barrier = context.Barrier(workers)
    processes = [
        context.Process(target=_publish_many, args=(str(tmp_path), worker, barrier, runs)) for worker in range(workers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * workers
    assert len(index(tmp_path)) == workers * runs
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_publisher_that_was_overtaken_makes_the_index_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = files.entry(held())
    files.write_entry(tmp_path, replace(entry, run="r1"))
    write, done = files.write, []

    def overtaken(path: Path, text: str) -> None:
        if path.name == "index.html" and not done:
            done.append(path)
            # Another run is published completely between our look at the folder and our replacement of the page.
            files.write_entry(tmp_path, replace(entry, run="r2"))
            files.write_index(tmp_path)
        write(path, text)

    monkeypatch.setattr(files, "write", overtaken)
    files.write_index(tmp_path)
    assert len(index(tmp_path)) == 2


# What cannot be written


def test_a_file_in_place_of_the_folder_is_told_in_one_sentence_with_exit_code_4(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.write_text("not a folder")
    for act in (
        lambda: build.publish(site, held()),
        lambda: build.publish_suite(site, "investor_profit", []),
        lambda: build.rebuild(site, []),
    ):
        with pytest.raises(files.DocsError, match=r"the data docs could not be written: .*run `dq docs`") as error:
            act()
        assert error.value.exit_code == 4
        assert isinstance(error.value.__cause__, OSError)
    assert site.read_text() == "not a folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(files.DocsError, match="Permission denied"):
        build.publish(tmp_path / "site", held())


def test_a_full_disk_leaves_the_old_page_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build.publish(tmp_path, held())
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(files.DocsError, match="No space left on device"):
        build.publish(tmp_path, replace(held(), stays=99))
    assert path.read_bytes() == before
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", "A", "", ".hidden", "x" * 129, "a\0b", "nul\n"])
def test_a_name_that_could_leave_the_site_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a page"):
        build.publish(tmp_path, replace(held(), run=name))
    with pytest.raises(UsageError, match="cannot be the name of a page"):
        build.publish_suite(tmp_path, name, [])
    assert not list(tmp_path.rglob("*.html"))


@pytest.mark.parametrize(("given", "mode"), [(0o755, 0o600), (0o2750, 0o640)])
def test_pages_are_read_by_the_group_that_the_site_was_given_to_or_by_nobody_else(
    tmp_path: Path, given: int, mode: int
) -> None:
    tmp_path.chmod(given)
    build.publish(tmp_path, held())
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {mode}


# Hostile strings

PAYLOADS = [
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "</style></title></code><svg onload=alert(1)>",
    "$text ${x} $$ {{ 7*7 }} {% raw %} {{content_block_id}}",
    "\x00\x1b[31m\u202e\ud800\udfff\ufffe\u2028",
    "<br><b>x</b>&lt;script&gt;&#60;script&#62;",
    "[a](javascript:alert(1)) <!-- --> ]]>",
    "x" * 1_000_000,
]
MARK = "kQ7z"


def hostile(payload: str) -> RunRecord:
    text = f"{MARK}{payload}"
    bad = CheckResult(
        check=text,
        dataset=text,
        type="expect_column_values_to_be_in_set",
        kwargs={"column": text, "value_set": [text], "row_condition": text, "condition_parser": "spark"},
        severity=Severity.CRITICAL,
        outcome=Outcome.FAILED,
        description=text,
        failure_class=text,
        runbook=f"{payload}.md#{payload}",
        observed=text,
        expected=text,
        reason=text,
        measures={text: text},
        rows=({text: text},),
        gx_result={
            "element_count": 3,
            "unexpected_count": 2,
            "unexpected_percent": 66.0,
            "partial_unexpected_list": [text, text],
            "partial_unexpected_counts": [{"value": text, "count": 2}],
            "unexpected_index_query": text,
            "observed_value": text,
        },
        waived_by=text,
    )
    told = guidance(owner=text, contact=text, on_call=text, on_call_until=text, backup=text, due=(text,))
    told = replace(told, runbook=f"runbooks/x.md#{payload}", runbook_url=payload)
    others = [
        replace(bad, check=f"a{text}", observed="", type="expect_column_values_to_be_unique", kwargs={"column": text}),
        replace(bad, check=f"b{text}", outcome=Outcome.ERRORED, type=text, kwargs={text: text}),
        replace(
            bad, check=f"c{text}", outcome=Outcome.NOT_RUN, type="expect_values_to_convert", kwargs={"column": text}
        ),
        replace(bad, check=f"d{text}", type="expect_column_mean_to_be_between", observed="", kwargs={"column": text}),
        replace(
            bad,
            check=f"e{text}",
            type="unexpected_rows_expectation",
            observed="",
            kwargs={"unexpected_rows_query": text},
        ),
        replace(
            bad,
            check=f"f{text}",
            observed="",
            type="expect_column_values_to_match_regex",
            kwargs={"column": text, "regex": text},
        ),
        replace(
            bad,
            check=f"g{text}",
            observed="",
            type="expect_column_values_to_match_json_schema",
            kwargs={"column": text, "json_schema": {text: text}},
        ),
    ]
    results = (bad, *others)
    return record(
        *results,
        guidance={found.check: told for found in results},
        period=text,
        error=text,
        partial=(text,),
        totals={text: text},
        run_key=text,
        staged=text,
        inputs=(replace(held().inputs[0], name=text, origin=text, fingerprint=text),),
    )


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_no_string_becomes_markup_on_any_page(tmp_path: Path, payload: str) -> None:
    run = hostile(payload)
    run = replace(run, upstream=replace(run, run="r0"))
    harmless = page(tmp_path / "harmless", hostile("")).tags
    path = build.publish(tmp_path, run)
    suite = build.publish_suite(
        tmp_path, "investor_profit", [declared(found, notes=found.observed + payload) for found in run.results]
    )
    allowed = {tag for tag, _ in harmless} | {"ul", "li", "hr", "h2", "h6", "time"}
    for file in (path, suite, tmp_path / "index.html"):
        html = file.read_text(encoding="utf-8")
        found = Page(html)
        assert {tag for tag, _ in found.tags} <= allowed
        assert "script" not in allowed
        for tag, attributes in found.tags:
            assert not [name for name in attributes if name.startswith("on") or name in ("src", "action", "srcdoc")]
            for link in filter(None, (attributes.get("href"),)):
                assert re.match(r"(\.\./|#section-|#dataset-|validations/|expectations/|runbooks/|data:,$|r-)", link), (
                    link
                )
            if tag == "meta" and attributes.get("http-equiv"):
                assert attributes["http-equiv"] == "Content-Security-Policy"
        assert html.count("<style>") == html.count("</style>") == 1
        assert len(html) < 800_000
        if file != tmp_path / "index.html":
            assert MARK in found.text


def test_the_text_of_a_payload_is_shown_as_it_is(tmp_path: Path) -> None:
    for number, payload in enumerate(PAYLOADS[:5]):
        text = page(tmp_path / str(number), hostile(payload)).text
        assert f"{MARK}{payload}" in text


def test_pages_load_nothing_and_forbid_it_too(tmp_path: Path) -> None:
    build.publish_suite(tmp_path, "investor_profit", [declared(LEDGER)])
    build.publish(tmp_path, held())
    for path in tmp_path.rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        tags = Page(html).tags
        assert not {"script", "iframe", "img", "object", "embed", "form"} & {tag for tag, _ in tags}
        assert [attrs["href"] for tag, attrs in tags if tag == "link"] == ["data:,"]
        policy = next(attrs["content"] for tag, attrs in tags if attrs.get("http-equiv") == "Content-Security-Policy")
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:")
        assert not re.search(r"https?://|@import|url\(", html)


def test_ids_are_unique_on_a_page(tmp_path: Path) -> None:
    build.publish_suite(tmp_path, "investor_profit", [declared(found) for found in (*passed(3), LEDGER, MARGIN)])
    build.publish(tmp_path, held())
    for path in tmp_path.rglob("*.html"):
        ids = [attrs["id"] for _, attrs in Page(path.read_text(encoding="utf-8")).tags if "id" in attrs]
        assert len(ids) == len(set(ids)), path.name
