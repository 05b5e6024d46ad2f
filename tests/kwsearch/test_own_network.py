"""A study of one's own network, from the file to a second process that goes on with it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kwsearch.cli import app
from kwsearch.settings import load_study, to_toml
from search_spaces.errors import InputError

NETWORK = """
from torch import nn
def small(num_classes, in_channels):
    return nn.Sequential(nn.Conv2d(in_channels, 8, 3, padding=1), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding="same"), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, num_classes))
"""
STUDY = """
[space]
backbone = "small_net:small"
cell_num_ratio = [0.5, 1.0]
exclude = ["2"]
addresses = {"0" = "stage0_layer5_conv0"}
[proxy]
data = "digits"
epochs = [1]
warmup_epochs = 0.5
[baselines]
seeds = 0

[search]
trials = 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small_net.py").write_text(NETWORK)
    (tmp_path / "mine.toml").write_text(STUDY)
    return tmp_path


def kwsearch(folder: Path, *words: str) -> subprocess.CompletedProcess:
    """The command as its script runs it: without the current directory on the path."""
    main = "import sys; sys.path[:] = [p for p in sys.path if p]; "
    main += f"sys.argv = ['kwsearch', *{words!r}]; from kwsearch.__main__ import main; main()"
    return subprocess.run(
        [sys.executable, "-c", main], cwd=folder, capture_output=True, text=True, check=False
    )


def here(folder: Path, *words: str) -> Result:
    """The command in this process, which knows no module of an earlier call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delitem(sys.modules, "small_net", raising=False)
        return CliRunner().invoke(app, words)


def test_ones_own_network_is_planned_searched_and_gone_on_with(folder: Path) -> None:
    """The table is stored: planned, measured and resumed networks have the same sizes."""
    planned = here(folder, "plan", "mine.toml", "--json", "--count", "2")
    assert planned.exit_code == 0, planned.stderr
    sizes = {row["digest"]: row["params"] for row in json.loads(planned.stdout)}
    searched = kwsearch(folder, "search", "mine.toml", "--json")
    assert searched.returncode == 0, searched.stderr
    resumed = here(folder, "resume", "mine", "--trials", "2", "--json")
    assert resumed.exit_code == 0, resumed.stderr
    rows = [*json.loads(searched.stdout), *json.loads(resumed.stdout)]
    assert rows
    assert all(sizes[row["digest"]] == row["params"] for row in rows)
    (folder / "small_net.py").unlink()
    assert here(folder, "export", "mine", "--trial", "0", "-o", "out").exit_code == 0
    exported = json.loads(here(folder, "count", "out", "--json").stdout)
    assert sizes[exported["digest"]] == exported["params"], "an export is counted on its own table"


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('["2"]', '["22"]', "'22' meets no layer of the network. Did you mean '2'?"),
        ("small_net:small", "small_net:smal", "no function 'smal'. Did you mean 'small'?"),
        ("small_net:small", "absent_net:small", "'absent_net', of the backbone"),
    ],
)
def test_what_is_not_there_ends_with_2(folder: Path, old: str, new: str, part: str) -> None:
    """One line of cause, one of cure."""
    (folder / "mine.toml").write_text(STUDY.replace(old, new))
    ended = here(folder, "plan", "mine.toml")
    assert ended.exit_code == 2
    assert part in ended.stderr
    assert "Traceback" not in ended.stderr


def test_changes_of_layers_are_written_and_read_back(folder: Path) -> None:
    """Paths with dots are keys in quotes."""
    path = folder / "mine.toml"
    path.write_text(STUDY.replace('{"0" =', '{"a.b.0" ='))
    study = load_study(path)
    assert study.space.addresses == {"a.b.0": "stage0_layer5_conv0"}
    path.write_text(to_toml(study))
    assert load_study(path) == study
    path.write_text(STUDY.replace("stage0_layer5_conv0", "stage0_conv"))
    with pytest.raises(InputError, match=r"space\.addresses: '0': 'stage0_conv' is not an address"):
        load_study(path)
