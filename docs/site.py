"""Pages of the site that lie elsewhere in the repository, and links between all of them.

A hook of MkDocs: `on_files` adds the pages, `on_page_markdown` points links, which hold in the
repository, to where the pages are on the site. So no text stands twice.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "DESIGN.md": "design.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Place on the site by place in the repository; others stay where they are."""

LINK = re.compile(r"(\]\()([^)#:\s]+)(#[^)\s]*)?(\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside ``docs/``, and the notebooks, to be downloaded."""
    notebooks = [f"examples/{path.name}" for path in ROOT.glob("examples/*.ipynb")]
    ours = [
        *PAGES,
        *notebooks,
        *(f"benchmarks/{path.name}" for path in ROOT.glob("benchmarks/*.md")),
    ]
    for source in ours:
        page = File.generated(config, _on_site(source), content=_text(source))
        files.append(page)
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Point the links of a page to where their targets are on the site."""
    site = page.file.src_uri
    source = next((s for s, place in PAGES.items() if place == site), None)
    if source is None:
        source = site if site.startswith(("benchmarks/", "examples/")) else f"docs/{site}"

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link[2]))
        place = posixpath.relpath(_on_site(target), posixpath.dirname(site) or ".")
        return f"{link[1]}{place}{link[3] or ''}{link[4]}"

    return LINK.sub(moved, markdown)


def _on_site(source: str) -> str:
    return PAGES.get(source, source.removeprefix("docs/"))


def _text(source: str) -> str:
    return (ROOT / source).read_text(encoding="utf-8")
