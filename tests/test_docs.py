"""The docs hold: what they say to type works, and the reference pages are what the code says."""

import importlib.util
import re
import runpy
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kwsearch.cli import app

README = Path(__file__).parents[1] / "README.md"
DOCS = README.parent / "docs"
FEW = 10
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(name, kind):
    """Code of one language on a page, in its order."""
    text = (DOCS / name).read_text(encoding="utf-8")
    return [code for found, code in BLOCK.findall(text) if found == kind]


def typed(name):
    """The commands of a page."""
    lines = "".join(blocks(name, "sh")).splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def test_the_readme_takes_the_way_of_the_tutorial():
    """Its commands are among those that the next test runs."""
    section = README.read_text(encoding="utf-8").split("## A search of your own")[1]
    commands = BLOCK.search(section)[2].splitlines()
    path = [shlex.split(line, comments=True) for line in commands]
    assert [words for words in path if words not in typed("tutorial.md")] == []
    assert len(path) < FEW


def run(words):
    assert words[0] == "kwsearch"
    ended = CliRunner().invoke(app, words[1:])
    assert ended.exit_code == 0, (words, ended.stderr, ended.exception)
    return ended.stdout


@pytest.fixture
def folder(quick_path, monkeypatch):
    monkeypatch.chdir(quick_path)
    monkeypatch.syspath_prepend(str(quick_path))
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)
    return quick_path


def test_the_tutorial_goes_from_images_to_a_network_in_few_commands(folder):
    written = blocks("tutorial.md", "python")[0]
    assert written.count("[:500]") == 1
    (folder / "make.py").write_text(written.replace("[:500]", "[:200]"), encoding="utf-8")
    runpy.run_path(str(folder / "make.py"))
    (folder / "photos.toml").write_text(blocks("tutorial.md", "toml")[0], encoding="utf-8")
    commands = typed("tutorial.md")
    way = [words[1] for words in commands]
    assert way.index("train") + 1 < FEW, "one more is the installation"
    told = {words[1]: run(words) for words in commands}
    assert {"search", "front", "report", "export"} <= told.keys()
    assert "accuracy" in told["front"]
    assert "held-out" in told["evaluate"]
    assert "probability" in told["predict"]
    assert (folder / "photos.html").stat().st_size > 1_000_000
    assert (folder / "best" / "config.json").is_file()
    assert (folder / "trained" / "model.safetensors").is_file()


def test_a_network_of_ones_own_is_searched_as_the_page_says(folder):
    (folder / "mynets.py").write_text(blocks("own-network.md", "python")[0], encoding="utf-8")
    (folder / "mynets.toml").write_text(blocks("own-network.md", "toml")[0], encoding="utf-8")
    told = [run(words) for words in typed("own-network.md")]
    assert "accuracy" in told[-1]


def reference():
    spec = importlib.util.spec_from_file_location("docs_reference", DOCS / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands.md", "study-file.md", "database.md"])
def test_reference_pages_are_what_the_code_says(name):
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == reference().PAGES[name](), "run: python docs/reference.py"


def test_pages_link_to_files_that_are_there():
    pages = [*DOCS.glob("*.md"), README]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
