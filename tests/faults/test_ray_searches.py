"""Searches on Ray that share a machine, lack shared memory, or keep a password to themselves."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from trials.store import open_store

pytestmark = pytest.mark.fault

WATCHED = """
import time
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).parent


class Watched(nn.Sequential):
    \"\"\"Three convolutions; before it trains on a batch it does what the test says.\"\"\"

    def forward(self, images):
        if self.training and torch.is_grad_enabled() and images.device.type == "cpu":
            before()
        return super().forward(images)


def tiny(num_classes, in_channels):
    return Watched(
        nn.Conv2d(in_channels, 8, 3, padding=1, stride=2), nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, num_classes),
    )
"""
FILLING = """
def before():
    try:
        with open("/dev/shm/filler", "xb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    except (FileExistsError, OSError):
        pass
"""
"""The first that trains fills the shared memory."""


def on_ray(place, workers=1):
    """Let trials of a place's study run on Ray."""
    study = (place.folder / "tiny.toml").read_text()
    (place.folder / "tiny.toml").write_text(f'{study}executor = "ray"\nworkers = {workers}\n')
    return place


@pytest.mark.parametrize("size", ["1m", "300m"])
def test_a_search_on_ray_goes_on_with_shared_memory_full(size, tmp_path, furnish, undisturbed):
    """Too small from the start, and filled to its last byte while the first trial trains."""
    place = on_ray(furnish(tmp_path))
    (tmp_path / "tinynet.py").write_text(WATCHED + FILLING)
    search = f"{sys.executable} -m kwsearch search tiny.toml --trials 6 --database {place.url}"
    mount = f"mount -t tmpfs -o size={size} tmpfs /dev/shm || exit 99"
    command = [shutil.which("unshare") or "unshare", "--mount", "sh", "-c"]
    done = subprocess.run(
        [*command, f"{mount}; {search}; code=$?; df --output=avail /dev/shm; exit $code"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("mounting is not allowed here")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < 100  # kilobytes that are free at the end
    place.sound()
    assert place.table() == undisturbed[0][:6]


MEETING = """
def before():
    (HERE / "begun").touch()
    end = time.monotonic() + 300
    while not all((HERE.parent / name / "begun").exists() for name in ("a", "b")):
        assert time.monotonic() < end
        time.sleep(0.01)
"""
"""Trainings wait until both searches have come to one: they may start at different speeds."""


def test_two_searches_on_ray_run_at_once_on_one_machine(quick_path, furnish, undisturbed):
    """Each on a cluster of its own; either ends with the table of a search that was alone."""
    places = []
    for name in ("a", "b"):
        (quick_path / name).mkdir()
        places.append(on_ray(furnish(quick_path / name)))
        (quick_path / name / "tinynet.py").write_text(WATCHED + MEETING)
    searches = [place.start("search", "tiny.toml", "--trials", "8") for place in places]
    for search in searches:
        search.ended(0)
    trained = []
    for place in places:
        place.sound()
        assert place.table() == undisturbed[0][:8]
        with open_store(place.url, read_only=True) as store:
            records = store.trials("tiny")
        trained.append((records[0].started_at, records[-1].finished_at))
    assert max(begun for begun, _ in trained) < min(ended for _, ended in trained)


KEPT = """
import os, tempfile, types
from trials.execution.ray_tune import folders
tempfile.tempdir = os.environ["TMPDIR"]  # this process may have looked for another one before
folders.shutil = types.SimpleNamespace(rmtree=lambda *_, **__: None)
"""
"""Ray's folder stays when its cluster is gone, with all that Ray has written."""


def test_a_password_reaches_neither_ray_nor_what_it_writes(guarded, leaks, password):
    """Not its processes' variables and words, its logs, the study's folder, a report, an export."""
    place = on_ray(guarded, workers=2)
    (place.folder / "t").mkdir()
    given = {"TMPDIR": str(place.folder / "t"), "PGPASSWORD": password}
    search = place.start("search", "tiny.toml", "--trials", "12", first=KEPT, **given)
    search.reached(2)
    family = psutil.Process(search.pid).children(recursive=True)
    told = []
    for process in family:
        with suppress(psutil.NoSuchProcess):
            told.append((process.name(), process.cmdline(), process.environ()))
    assert {"raylet", "gcs_server"} <= {name for name, *_ in told}
    assert not leaks(str(told))
    search.ended(0)
    place.run("report", "tiny")
    place.run("export", "tiny", "--trial", "0", "-o", "x")
    files = [path for path in place.folder.rglob("*") if path.is_file()]
    assert {"raylet.out", "gcs_server.out", "ray.log"} <= {path.name for path in files}
    assert {"report.html", "config.json"} <= {path.name for path in files}
    assert [path for path in files if leaks(path.read_bytes().decode(errors="replace"))] == []
    assert len(place.table()) == 12
