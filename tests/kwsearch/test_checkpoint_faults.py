"""Whole searches whose disk is full or whose process is killed, and what they go on from."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trials.store import open_store
from trials.store.check import check

pytestmark = pytest.mark.fault

STUDY = """
[space]
backbone = "resnet20"
cell_num_ratio = {low = 0.5, high = 2.0, log = true}
sharing_range = ["stage"]

[budget]
min_params = "200k"
max_params = "900k"

[proxy]
data = "digits"
epochs = [1, 2]
batch_size = 64
training_share = 0.2

[baselines]
seeds = 0

[search]
trials = 2
reuse = false

[execution]
threads = 1
"""
LIMIT = 1_000_000
"""Bytes that a file may have: a database of two trials has fewer, a checkpoint has more."""


@pytest.fixture
def folder(quick_path: Path) -> Path:
    (quick_path / "small.toml").write_text(STUDY)
    return quick_path


def kwsearch(folder: Path, *words: str, limit: int = resource.RLIM_INFINITY) -> str:
    """Standard error of a command, after its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "kwsearch", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    return f"{done.returncode} {done.stderr}"


def table(folder: Path, name: str) -> list[tuple[object, ...]]:
    with open_store(str(folder / "runs/kwsearch.db"), read_only=True) as store:
        measured = store.measurements(name)
        return [(number, m.epoch, m.accuracy, m.loss) for number, m in measured]


def sound(folder: Path) -> bool:
    return check(str(folder / "runs/kwsearch.db"), runs=folder / "runs") == []


def test_a_disk_too_full_for_a_checkpoint_stops_the_search_which_goes_on_later(
    folder: Path,
) -> None:
    """With a cause and a cure, without a half file, and with the same table in the end."""
    told = kwsearch(folder, "search", "small.toml", limit=LIMIT)
    assert told.startswith("3 "), told
    assert re.search(r"checkpoints/\S+/0-1\.safetensors cannot be written: .*needs [\d,]+ b", told)
    assert "Traceback" not in told
    assert not [p for p in (folder / "runs/small/checkpoints").rglob("*") if p.is_file()]
    assert kwsearch(folder, "resume", "small")[0] == "0"
    assert sound(folder)
    assert kwsearch(folder, "search", "small.toml", "--name", "whole")[0] == "0"
    assert table(folder, "small") == table(folder, "whole")
    assert sound(folder)


def test_a_search_killed_in_mid_trial_goes_on_from_its_checkpoint(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "kwsearch", "search", "small.toml"],
        cwd=folder,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        end = time.monotonic() + 600
        while not (found := [*folder.glob("runs/small/checkpoints/*/0-1.safetensors")]):
            assert time.monotonic() < end
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    before = found[0].stat().st_mtime_ns
    assert kwsearch(folder, "resume", "small", "--steal")[0] == "0"
    with open_store(str(folder / "runs/kwsearch.db"), read_only=True) as store:
        first = store.trial("small", 0)
        assert first.trial.attempt == 2
        file = store.files("small")[0]
    assert (folder / "runs" / file.path).stat().st_mtime_ns > before
    assert kwsearch(folder, "search", "small.toml", "--name", "whole")[0] == "0"
    assert table(folder, "small") == table(folder, "whole")
    assert sound(folder)
