"""The picture of the README: the data docs page of the demo's held run, as Chromium shows it.

python tools/picture.py [DOCS] [PNG]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "build" / "demo" / "docs"
PICTURE = ROOT / "docs" / "data-docs.png"
PIPELINE = "profit_unit"
SIZE = (1180, 900)


def main(argv: Sequence[str]) -> int:
    """Take the picture, or say what is missing."""
    docs, picture = (Path(given) for given in (*argv, *(DOCS, PICTURE)[len(argv) :]))
    programs = [shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")]
    if None in programs:
        print("the picture needs chromium and chromedriver on the path", file=sys.stderr)
        return 2
    pages = sorted((docs / "validations" / PIPELINE).glob("*.html"))
    if not pages:
        print(f"there is no run of {PIPELINE} in {docs}; make demo makes one", file=sys.stderr)
        return 2
    take(pages[-1], picture, *(str(program) for program in programs))
    print(f"{picture}: {picture.stat().st_size // 1000} kB")
    return 0


def take(page: Path, picture: Path, chromium: str, driver: str) -> None:
    """Write what the top of a page looks like."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = chromium
    with tempfile.TemporaryDirectory() as profile:
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.add_argument("--hide-scrollbars")
        options.add_argument(f"--user-data-dir={profile}")
        opened = Chrome(options=options, service=Service(executable_path=driver))
        try:
            size = {"width": SIZE[0], "height": SIZE[1], "deviceScaleFactor": 1, "mobile": False}
            opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            opened.get(page.resolve().as_uri())
            opened.save_screenshot(str(picture))
        finally:
            opened.quit()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
