"""Takes the pictures of a study for the docs: its page on a desk and on a phone, and its front.

    python docs/pictures.py STUDY [--database URL] [--output docs] [--dark]

writes ``STUDY-1280.png``, ``STUDY-390.png`` (the page's first screens, as wide as the name says)
and ``STUDY-front.png``. Needs playwright and a Chromium on the search path.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from kwsearch import api

WIDTHS = {1280: 2000, 390: 1700}
"""Width and height of the pictures, in CSS pixels."""

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def main(words: Sequence[str] | None = None) -> list[Path]:
    """Take the pictures and return where they are."""
    as_written = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    parser.add_argument("study")
    parser.add_argument("--database", metavar="URL")
    parser.add_argument("--output", metavar="DIR", type=Path, default=Path(__file__).parent)
    parser.add_argument("--dark", action="store_true", help="as on a dark screen")
    asked = parser.parse_args(words)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no Chromium on the search path.")
    asked.output.mkdir(parents=True, exist_ok=True)
    front = asked.output / f"{asked.study}-front.png"
    taken = [api.report(asked.study, output=front, database=asked.database)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = api.report(asked.study, output=Path(folder) / "page.html", database=asked.database)
        browser = playwright.chromium.launch(executable_path=chromium, args=[*QUIET])
        for width, height in WIDTHS.items():
            path = asked.output / f"{asked.study}-{width}.png"
            taken.append(_shot(browser, page.as_uri(), (width, height), path, dark=asked.dark))
        browser.close()
    return taken


def _shot(browser: Browser, address: str, size: tuple[int, int], path: Path, *, dark: bool) -> Path:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#figure-front .main-svg")
    page.wait_for_timeout(500)
    page.screenshot(path=path)
    context.close()
    return path


if __name__ == "__main__":
    for picture in main():
        sys.stdout.write(f"{picture}\n")
