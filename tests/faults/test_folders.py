"""Folders that may not be written, or are moved while a search runs: said, and nothing is lost."""

import os
import shutil
import subprocess
import sys
import time

import psutil
import pytest

from trials.records import TrialState
from trials.store import open_store

pytestmark = pytest.mark.fault

RIGHTS = "-dac_override,-dac_read_search,-fowner"
"""What lets root write where a user may not."""


@pytest.fixture
def as_a_user():
    """Call it to run a command without root's rights; returns exit code and talk."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() == 0 and setpriv is None:
        pytest.skip("root cannot lay down its rights here")
    less = (
        [setpriv, f"--bounding-set={RIGHTS}", f"--inh-caps={RIGHTS}"] if os.geteuid() == 0 else []
    )

    def run(folder, *words):
        done = subprocess.run(
            [*less, sys.executable, "-B", "-m", "kwsearch", *words],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    return run


def test_a_folder_that_may_only_be_read_is_read_and_said(file_place, undisturbed_folder, as_a_user):
    """Exit 3 with the path for all that would write; the database stays as it is."""
    folder = file_place.folder
    shutil.copytree(undisturbed_folder, folder, dirs_exist_ok=True)
    before = (folder / "kw.db").read_bytes()
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        assert as_a_user(folder, "front", "tiny", "--database", "kw.db")[0] == 0
        for words in (
            ("report", "tiny", "-o", "page.html"),
            ("resume", "tiny", "--trials", "22"),
            ("database", "delete", "tiny", "--yes"),
        ):
            code, talk = as_a_user(folder, *words, "--database", "kw.db")
            assert code == 3, (words, talk)
            assert "Permission denied" in talk or "open for reading only" in talk
    finally:
        for path in paths:
            path.chmod(path.stat().st_mode | 0o200)
    assert (folder / "kw.db").read_bytes() == before
    file_place.sound()


def test_a_runs_folder_moved_in_mid_search_loses_no_measurement(file_place, undisturbed):
    """The search goes on, or ends with 3 or 5; put back, it ends as if nothing had been."""
    place = file_place
    process = place.start("search", "tiny.toml")
    process.reached(5)
    (place.folder / "runs").rename(place.folder / "moved")
    process.join(600)
    assert process.exitcode in (0, 3, 5), process.talk
    assert "Traceback" not in process.talk
    shutil.copytree(place.folder / "moved", place.folder / "runs", dirs_exist_ok=True)
    if process.exitcode:
        place.run("resume", "tiny", "--steal")
    assert place.table() == undisturbed[0]
    assert place.measured() == undisturbed[1]
    place.sound()


STOPPING = """
import os, signal
from pathlib import Path
import torch
from torch import nn

STOPPED, STEPS = Path(__file__).with_name("stopped"), []


class Stopping(nn.Sequential):
    \"\"\"The first training that is in the middle of its second epoch stops its process.\"\"\"

    def forward(self, images):
        if self.training and torch.is_grad_enabled() and images.device.type == "cpu":
            STEPS.append(1)
            if len(STEPS) == 4 and not STOPPED.exists():  # an epoch has two
                STOPPED.write_text(str(os.getpid()))
                os.kill(os.getpid(), signal.SIGSTOP)
        return super().forward(images)


def tiny(num_classes, in_channels):
    return Stopping(
        nn.Conv2d(in_channels, 8, 3, padding=1, stride=2), nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, num_classes),
    )
"""


def test_a_worker_that_is_stopped_within_an_epoch_is_ended_by_its_time_limit(
    file_place, undisturbed
):
    """SIGSTOP: it says nothing and cannot end itself; its trial has failed, and no other."""
    place = file_place
    study = (place.folder / "tiny.toml").read_text()
    (place.folder / "tiny.toml").write_text(study + "epoch_timeout = 6\n")
    place.isolate()
    (place.folder / "tinynet.py").write_text(STOPPING)
    process = place.start("search", "tiny.toml", "--trials", "6")
    note = place.folder / "stopped"
    end = time.monotonic() + 600
    while not (note.exists() and note.read_text()):
        assert time.monotonic() < end, process.talk
        time.sleep(0.01)
    stopped = psutil.Process(int(note.read_text()))
    while stopped.status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < end, stopped.status()
    process.ended(0)
    place.sound()
    assert not stopped.is_running()
    with open_store(place.url, read_only=True) as store:
        trials = store.trials("tiny")
    (failed,) = [trial for trial in trials if trial.state is TrialState.FAILED]
    assert (failed.cause, failed.detail) == ("timeout", "Nothing was measured for 6 s.")
    assert (failed.epochs, failed.trial.attempt) == (1, 1)  # stopped in its second, not retried
    others = [row for row in place.table() if row[0] != failed.number]
    assert others == [row for row in undisturbed[0][:6] if row[0] != failed.number]
