"""An installation whose packages are not all this project's own is told in a sentence."""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

PACKAGES = ("kwsearch", "reports", "trials", "search_spaces")
SOURCE = Path(__file__).parents[2]


def add(site, name, files):
    """A distribution as an installer leaves it, over whatever was there."""
    lines = []
    for path, text in files.items():
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        lines.append(f"{path},sha256={sha256(text.encode()).hexdigest()[:43]},{len(text.encode())}")
    listed = site / f"{name}.dist-info" / "RECORD"
    listed.parent.mkdir()
    listed.write_text("\n".join([*lines, f"{name}.dist-info/RECORD,,"]) + "\n", encoding="utf-8")


@pytest.fixture
def site(tmp_path):
    """A site folder with this project installed, `kwsearch` as it is and stand-ins beside it."""
    files = {f"{name}/__init__.py": f'"""{name}, ours."""\n' for name in PACKAGES[1:]}
    for name in ("__init__.py", "__main__.py", "installation.py"):
        files[f"kwsearch/{name}"] = (SOURCE / "kwsearch" / name).read_text(encoding="utf-8")
    files["kwsearch/guard.py"] = "INTERRUPTED = 5\n"
    files["kwsearch/cli.py"] = "def app(prog_name):\n    print(prog_name, 'runs')\n"
    add(tmp_path / "site", "kernelwarehouse_search-0.1.0", files)
    return tmp_path / "site"


def start(*path):
    code = f"import sys; sys.path[:0] = {[str(p) for p in path]}; import kwsearch.__main__ as m"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"{code}; m.main()"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_installation_of_its_own_is_silent(site):
    add(site, "reporting-2.0", {"reporting/__init__.py": "", "reportsx.py": ""})
    ended = start(site)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "kwsearch runs\n", "")


@pytest.mark.parametrize("name", ["reports", "trials", "search_spaces"])
def test_a_package_written_over_is_refused_with_its_distribution(site, name):
    add(site, f"{name}-9.1", {f"{name}/__init__.py": "raise SystemExit('a stranger')\n"})
    ended = start(site)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert f"{name} 9.1 wrote over 1 files of kernelwarehouse-search" in ended.stderr
    assert f"{name}/__init__.py" in ended.stderr
    assert "--force-reinstall" in ended.stderr


@pytest.mark.parametrize("path", ["reports/theirs.py", "kwsearch/theirs.py"])
def test_files_beside_ours_are_warned_of(site, path):
    add(site, "other-1.0", {path: "x = 1\n"})
    ended = start(site)
    assert (ended.returncode, ended.stdout) == (0, "kwsearch runs\n")
    assert "warning: other 1.0 has files in the packages of kernelwarehouse-search" in ended.stderr
    assert f"({path.split('/')[0]})" in ended.stderr


def test_a_package_that_is_found_before_ours_is_refused(site, tmp_path):
    before = tmp_path / "before"
    add(before, "trials-3.0", {"trials/__init__.py": "raise SystemExit('a stranger')\n"})
    ended = start(before, site)
    assert ended.returncode == 2
    assert f"'trials' would be imported from {before / 'trials'}" in ended.stderr


def test_a_package_that_is_gone_is_refused(site):
    shutil.rmtree(site / "trials")
    ended = start(site)
    assert ended.returncode == 2
    assert "'trials'" in ended.stderr


def test_the_checkout_is_whole():
    from kwsearch.installation import check  # noqa: PLC0415 - the one test that asks it itself

    assert check() is None
