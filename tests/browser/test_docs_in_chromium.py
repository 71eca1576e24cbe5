"""The data docs as a person opens them: from a folder, offline, in a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from run_records import LEDGER, guidance, held, published, record, result
from runs_support import ROOT

from dq.base.model import Check, CheckResult, Outcome, Verdict
from dq.declare import project as projects
from dq.docs import build
from dq.run import after_verdict

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver on the path"),
]

PAYLOADS = [
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "</style></title></code><svg onload=alert(1)>",
    '" autofocus onfocus=alert(1) x="',
    "javascript:alert(1)",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<a href=javascript:alert(1)>x</a><form action=javascript:alert(1)>",
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1280,1600",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    options.set_capability("unhandledPromptBehavior", "ignore")
    driver = Chrome(options=options, service=Service(executable_path=str(DRIVER)))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


def requested(driver: WebDriver) -> list[str]:
    """The addresses requested since this was last asked.

    What a page brings with it (data:) is not a request. The start page of the browser (chrome:) may be late.
    """
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [
        message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"
    ]
    return [url for url in urls if not url.startswith(("data:", "chrome:"))]


def alerted(driver: WebDriver) -> bool:
    from selenium.common.exceptions import NoAlertPresentException

    try:
        driver.switch_to.alert.accept()
    except NoAlertPresentException:
        return False
    return True


def declared(found: CheckResult) -> Check:
    return Check(
        check=found.check,
        dataset=found.dataset,
        type=found.type,
        kwargs=found.kwargs,
        severity=found.severity,
        description=found.description,
        notes=found.description,
        runbook=found.runbook,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site")
    project = projects.load(ROOT)
    after_verdict.write_runbooks(project, site)
    build.publish_suite(site, "investor_profit", [declared(found) for found in held().results])
    build.publish(site, published(run="r1"))
    build.publish(site, held())
    return site


def test_from_the_index_to_the_failing_expectation_to_its_runbook_section(browser: WebDriver, site: Path) -> None:
    from selenium.webdriver.common.by import By

    browser.get((site / "index.html").as_uri())
    rows = browser.find_elements(By.CSS_SELECTOR, "table.runs tbody tr")
    assert [row.text.split()[0] for row in rows] == ["PUBLISHED", "HOLD"]
    browser.find_element(By.LINK_TEXT, "HOLD").click()

    row = browser.find_element(
        By.XPATH, "//table[contains(@class,'guided')]//tr[contains(., 'profit_ties_out_to_ledger')]"
    )
    assert row.is_displayed()
    for expected in (
        "✗ failed",
        "off by 500.00",
        "critical",
        "Business Analytics Team; on call Laura until Mon 30 Nov 09:00",
    ):
        assert expected in row.text.replace("\n", " ")
    card = browser.find_element(By.CSS_SELECTOR, "section.verdict")
    assert card.location["y"] < row.location["y"]
    assert "fixed by Mon 30 Nov" in card.text

    row.find_element(By.CSS_SELECTOR, "a.runbook").click()
    assert browser.current_url.endswith("/runbooks/investor_profit.html#figures-differ-from-the-books")
    section = browser.find_element(By.ID, "figures-differ-from-the-books")
    top = browser.execute_script("return arguments[0].getBoundingClientRect().top", section)
    assert -2 < top < browser.execute_script("return innerHeight")
    assert browser.execute_script("return scrollY") > 1000


def test_every_link_of_the_site_leads_to_a_file_and_section_that_exist(browser: WebDriver, site: Path) -> None:
    from urllib.parse import unquote, urlsplit

    for path in site.rglob("*.html"):
        browser.get(path.as_uri())
        for link in browser.execute_script("return [...document.links].map(a => a.href)"):
            parts = urlsplit(link)
            assert parts.scheme == "file"
            target = Path(unquote(parts.path))
            assert target.is_file(), link
            if parts.fragment and target == path:
                assert browser.execute_script("return !!document.getElementById(arguments[0])", parts.fragment), link


def test_the_pages_request_nothing_but_themselves_and_break_no_rule_of_their_own(
    browser: WebDriver, site: Path
) -> None:
    requested(browser)
    browser.get_log("browser")
    for path in site.rglob("*.html"):
        browser.get(path.as_uri())
        assert requested(browser) == [path.as_uri()]
        assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.get_log("browser") == []


def test_the_picture_of_the_readme_can_be_taken(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import picture

    page = site / "validations" / "investor_profit" / f"{held().run}.html"
    picture.take(page, tmp_path / "page.png", str(CHROMIUM), str(DRIVER))
    assert (tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")
    assert picture.main([str(tmp_path), str(tmp_path / "none.png")]) == 2
    assert "make demo makes one" in capsys.readouterr().err


def test_a_page_is_readable_on_a_narrow_screen(browser: WebDriver, site: Path) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    )
    try:
        for path in site.glob("**/*.html"):
            browser.get(path.as_uri())
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 360, path.name
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background_in_light_and_dark(browser: WebDriver, site: Path, scheme: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get((site / "validations" / "investor_profit" / f"{held().run}.html").as_uri())
    # The contrast ratio of the web accessibility guidelines, for every element that has text of its own.
    low = browser.execute_script(
        """
        const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => { v /= 255;
            return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
        return [...document.querySelectorAll('body *')]
          .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && e.offsetParent)
          .map(e => { const a = light(getComputedStyle(e).color), b = light(behind(e));
                      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className + ' ' + e.textContent]; })
          .filter(([ratio]) => ratio < 4.5)
        """
    )
    assert low == []


def test_an_alert_would_be_noticed(browser: WebDriver, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<img src=x onerror=alert(1)><script>alert(1)</script>", encoding="utf-8")
    browser.get(page.as_uri())
    assert alerted(browser)
    alerted(browser)


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_hostile_strings_do_nothing_in_a_browser(browser: WebDriver, tmp_path: Path, payload: str) -> None:
    bad = replace(
        LEDGER,
        check=payload,
        dataset=payload,
        description=payload,
        observed=payload,
        expected=payload,
        waived_by=payload,
        failure_class=payload,
        runbook=f"{payload}.md#{payload}",
        rows=({payload: payload},),
    )
    column = result(
        f"2{payload}",
        Outcome.FAILED,
        type="expect_column_values_to_be_in_set",
        kwargs={"column": payload, "value_set": [payload]},
        gx_result={
            "element_count": 2,
            "unexpected_count": 1,
            "unexpected_percent": 50.0,
            "partial_unexpected_list": [payload],
            "unexpected_index_query": payload,
            "observed_value": payload,
        },
    )
    told = replace(guidance(owner=payload, on_call=payload, backup=payload, due=(payload,)), runbook_url=payload)
    run = record(
        bad,
        column,
        replace(column, check=f"3{payload}", outcome=Outcome.ERRORED, reason=payload),
        replace(column, check=f"4{payload}", outcome=Outcome.NOT_RUN, reason=payload),
        guidance={bad.check: told, column.check: told},
        period=payload,
        error=payload,
        partial=(payload,),
        totals={payload: payload},
        verdict=Verdict.HOLD_NOT_EVALUATED,
    )
    page = build.publish(tmp_path, replace(run, upstream=replace(run, run="r0")))
    suite = build.publish_suite(tmp_path, "investor_profit", [declared(found) for found in run.results])
    for path in (page, suite, tmp_path / "index.html"):
        requested(browser)
        browser.get(path.as_uri())
        assert not alerted(browser)
        assert requested(browser) == [path.as_uri()]
        active = "script, iframe, img, svg, form, [onerror], [onload], [onfocus]"
        assert browser.execute_script("return document.querySelectorAll(arguments[0]).length", active) == 0
        assert browser.execute_script("return [...document.links].filter(a => a.protocol !== 'file:').length") == 0
        if path == page:
            assert payload in browser.execute_script("return document.body.textContent")
