"""The house is in order: light doors, documented commands, exhaustive layers, told reasons."""

import configparser
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import search_spaces
from search_spaces.config import NetworkConfig
from trials.store.upgrade import upgrade

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGES = ("kwsearch", "reports", "trials", "search_spaces")
HEAVY = ("torch", "torchvision", "ray", "optuna", "sqlalchemy", "sklearn", "pandas")
NEEDLESS = (
    *HEAVY,
    *("numpy", "scipy", "moocore", "plotly", "matplotlib", "jinja2", "PIL", "alembic"),
    *("sqlalchemy.orm", "sqlalchemy.ext.asyncio", "psycopg", "rich.progress"),
    *("kwsearch.settings", "kwsearch.exporting", "kwsearch.planning"),
    *("trials.search", "trials.tasks.classification", "trials.store.check", "trials.store.merge"),
)
"""What an answer out of tables has no use for, beside the database's library."""
ARITHMETIC = ("config", "warehouse", "budget", "upstream", "published", "space")
"""Rooms of ``search_spaces`` that a line a study is printed without."""
OTHERS = (
    "Makefile",
    "pyproject.toml",
    "constraints.txt",
    ".importlinter",
    "mkdocs.yml",
    "Dockerfile",
)
KINDS = {".py", ".md", ".toml", ".ini", ".ipynb", ".sql", ".svg", ".yml", ""}
TEXTS = [
    *(
        path
        for place in (*PACKAGES, "tests", "benchmarks", "docs", "examples", ".ci", ".github")
        for path in sorted((ROOT / place).rglob("*"))
        if path.suffix in KINDS and path.is_file()
    ),
    *ROOT.glob("*.md"),
    *(ROOT / name for name in OTHERS),
]


def loaded_by(code: str, among: tuple[str, ...] = HEAVY) -> set[str]:
    """Which of some modules a fresh interpreter has loaded after ``code``."""
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\n"
    script += f"print(*(name for name in {among} if name in sys.modules), file=sys.stderr)"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(ended.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    "words",
    ["--help", "search --help", "front --help", "search no-such-file.toml", "front ../x"],
)
def test_help_and_refusals_load_nothing_heavy(words):
    main = f"sys.argv = ['kwsearch', *{words.split()}]; import kwsearch.__main__ as m; m.main()"
    assert loaded_by(main) == set()


def test_no_module_of_ours_is_imported_by_a_string():
    """The import linter reads statements alone; a string would hide a circle from it."""
    hidden = re.compile(
        r"(?:import_module|__import__|import_string)\(\s*f?[\"'](?:" + "|".join(PACKAGES) + r")\b"
    )
    named = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for match in hidden.finditer(path.read_text(encoding="utf-8"))
    ]
    assert named == []


@pytest.mark.parametrize("script", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda p: p.stem)
def test_every_benchmark_has_a_quick_way_and_ends_with_json(script):
    """And a page of its own, with numbers."""
    text = script.read_text(encoding="utf-8")
    assert '"--quick"' in text
    assert "json.dumps(" in text
    assert script.with_suffix(".md").is_file()


def test_design_knows_every_room():
    """Every file and folder that lies in one of the four packages stands in DESIGN.md."""
    design = (ROOT / "DESIGN.md").read_text(encoding="utf-8")
    rooms = design[design.index("## Rooms") : design.index("## The way of a trial")]
    for package in PACKAGES:
        part = rooms.partition(f"**`{package}`.**")[2].partition("\n**`")[0]
        told = set(re.findall(r"`([a-z_]+(?:\.py|/))`", part.partition("A figure is")[0]))
        there = {
            path.name + "/" * path.is_dir()
            for path in (ROOT / package).iterdir()
            if path.suffix == ".py" or (path / "__init__.py").is_file()
        } - {"__init__.py"}
        assert there <= told, (package, there - told)


COUNTED = "images|trials|epochs|classes|layers|studies|proposals|measurements|values|channels|times"
A_RATIO = re.compile(r":\.2[fg]\}")


def test_no_message_says_1_images():
    """A number that may be one is written by `plural`, with the noun that belongs to it."""
    found = re.compile(r"\{([^{}]*)\} (?:" + COUNTED + r")\b")
    wrong = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*"))
        if path.suffix in {".py", ".js", ".j2"}
        for match in found.finditer(path.read_text(encoding="utf-8"))
        if not A_RATIO.search(match[0])
    ]
    assert wrong == []


@pytest.mark.parametrize("package", ["kwsearch", "search_spaces", "reports", "trials"])
def test_importing_a_package_loads_nothing_heavy(package):
    assert loaded_by(f"import {package}") == set()


@pytest.mark.parametrize("words", ["count kw1x_resnet18", "plan quickstart --count 2"])
def test_counting_needs_no_torch(words):
    main = f"sys.argv = ['kwsearch', *{words.split()}]; import kwsearch.__main__ as m; m.main()"
    assert not loaded_by(main) & {"torch", "torchvision", "ray"}


@pytest.fixture(scope="module")
def database_of_two_trials(tmp_path_factory):
    database = tmp_path_factory.mktemp("asked") / "kw.db"
    with sqlite3.connect(database) as raw:
        raw.executescript((ROOT / "tests/trials/store/schemas/0002.sql").read_text())
    raw.close()
    upgrade(str(database))  # hypervolume is worked out anew from an older one
    return str(database)


@pytest.mark.parametrize(
    "words", ["studies", "status q", "front q", "best q", "trials q", "show q 0", "front q --json"]
)
def test_asking_a_database_loads_no_more_than_it_answers_from(words, database_of_two_trials):
    """Starting is most of what such a command costs."""
    words = [*words.split(), "--database", database_of_two_trials]
    main = f"sys.argv = ['kwsearch', *{words}]; import kwsearch.__main__ as m; m.main()"
    assert loaded_by(main, NEEDLESS) == {"sqlalchemy"}


def test_listing_studies_loads_nothing_of_networks(database_of_two_trials):
    words = ["studies", "--database", database_of_two_trials]
    main = f"sys.argv = ['kwsearch', *{words}]; import kwsearch.__main__ as m; m.main()"
    assert loaded_by(main, tuple(f"search_spaces.{room}" for room in ARITHMETIC)) == set()


def test_names_that_are_loaded_when_used_are_those_of_their_modules():
    assert search_spaces.NetworkConfig is NetworkConfig
    for name in search_spaces.__all__:
        assert getattr(search_spaces, name).__name__ == name
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = search_spaces.no_such_name


def commands() -> dict[str, set[str]]:
    """Options by command; commands of a group are called with its name, as ``database check``."""
    import typer.main  # noqa: PLC0415 - the command line is loaded by these tests alone

    from kwsearch.cli import app  # noqa: PLC0415 - likewise

    def inside(group, before=""):
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from inside(command, f"{before}{name} ")
            else:
                yield f"{before}{name}", {o for param in command.params for o in param.opts}

    return dict(inside(typer.main.get_command(app)))


def test_every_command_is_in_the_readme():
    assert [name for name in commands() if not re.search(rf"`kwsearch {name}[ `]", README)] == []


def test_the_readme_names_no_command_or_option_that_is_not_there():
    known = commands()
    used = re.findall(r"(?:bin/|`)kwsearch ([a-z]+)([^\n`#|>]*)", README)
    assert used
    for word, after in used:
        both = " ".join([word, *after.split()[:1]])
        name = both if both in known else word
        assert name in known
        assert set(re.findall(r" (--?[a-z][a-z-]*)", after)) <= known[name], f"{word}{after}"


def test_every_preset_and_exit_code_is_in_the_readme():
    from kwsearch.presets import PRESETS  # noqa: PLC0415 - needed here alone

    assert {name for name in PRESETS if f"`{name}`" not in README} == set()
    codes = re.search(r"Exit codes: (.*?)\n\n", README, re.DOTALL)
    assert re.findall(r"\b\d\b", codes[1]) == list("0234567")


def test_every_module_has_its_place():
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter")
    layers = [part for part in contract.values() if part.get("type") == "layers"]
    inside = {part["containers"]: part for part in layers if "containers" in part}
    assert {name for name in inside if "." not in name} == set(PACKAGES)
    assert all(part.getboolean("exhaustive") for part in inside.values())
    assert [p["layers"].split() for p in layers if "containers" not in p] == [list(PACKAGES)]


def test_every_dependency_has_a_tested_version_within_its_range():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tested = dict(line.lower().split("==") for line in lines if line and not line.startswith("#"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in project["project"]["optional-dependencies"].values():
        needed += extra
    for requirement in map(Requirement, needed):
        assert tested[requirement.name.lower()] in requirement.specifier, requirement.name


def test_a_rule_that_is_switched_off_has_its_reason_on_the_line():
    off = re.compile(
        r"# noqa(?!: [A-Z]+\d+(, [A-Z]+\d+)* +\S)|type: ignore(?!\[[a-z, -]+\] +(-|#) \S)"
    )
    bare = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in TEXTS
        if path.suffix == ".py" and path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if off.search(line)
    ]
    assert bare == []


def test_the_project_speaks_of_itself_alone():
    """No path of one machine, no address of a package index, no note to oneself."""
    words = re.compile(r"/(?:wor[k]|roo[t]|hom[e])/|pyp[i]\.|index-ur[l]|TOD[O]|FIXM[E]")
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in TEXTS
        if (match := words.search(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_the_container_and_the_workflow_use_what_is_there():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci/run", os.X_OK)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    container = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (extras,) = re.findall(r"/source\[([a-z,]+)\]", container)
    assert set(extras.split(",")) <= project["optional-dependencies"].keys()
    (command,) = re.findall(r'^ENTRYPOINT \["(.+)"\]$', container, re.MULTILINE)
    assert command in project["scripts"]


def test_tests_are_found_by_path():
    assert list((ROOT / "tests").rglob("__init__.py")) == []
