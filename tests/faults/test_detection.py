"""A search that compares detectors, killed while its second trial trains."""

import signal

import pytest

from trials.records import TrialState
from trials.store import open_store

pytestmark = pytest.mark.fault

STUDY = """
[space]
backbone = "resnet8x0.25"
cell_num_ratio = [0.5, 1.0, 2.0]

[task]
kind = "detection"
data = "digits"
epochs = [1, 3]
batch_size = 4
validation_share = 0.3

[baselines]
seeds = 0

[search]
sampler = "random"
promotion = "none"
trials = 3
"""

KILLER = """
import itertools
from trials.tasks.detection import loop

def step(*given, original=loop.step, steps=itertools.count(1)):
    # 9 pictures are learnt from, so a trial has 3 epochs of 2 steps
    if next(steps) == 6 + 2 + 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*given)

loop.step = step
"""
"""Kills the search in the middle of the second epoch of its second trial."""


@pytest.fixture
def canvas_places(furnish, canvas_maker, quick_path):
    """Two places with the same study of detectors, on 16 canvases of digits."""
    places = []
    for name in ("killed", "whole"):
        folder = quick_path / name
        folder.mkdir()
        place = furnish(folder)
        canvas_maker(folder / "digits", pictures=16, canvas=48, most=2)
        (folder / "canvas.toml").write_text(STUDY)
        places.append(place)
    return places


def test_a_killed_search_ends_in_the_table_of_one_that_was_not(canvas_places):
    """Average precision, loss and every other value are the same to the last digit."""
    killed, whole = canvas_places
    running = killed.start("search", "canvas.toml", first=KILLER)
    running.join()
    assert running.exitcode == -signal.SIGKILL, running.talk
    with open_store(killed.url, create=False, read_only=True) as store:
        states = [record.state for record in store.trials("canvas")]
    assert states == [TrialState.COMPLETE, TrialState.RUNNING]
    assert set(killed.measured("canvas")) == {(0, 1), (0, 3), (1, 1)}
    killed.run("resume", "canvas", "--steal")
    whole.run("search", "canvas.toml")
    assert killed.table("canvas") == whole.table("canvas")
    assert len(whole.table("canvas")) == 3
    assert values(killed) == values(whole)
    assert {"map50", "mask_map"} <= set(values(whole)[2, 3])
    killed.sound()


def values(place):
    """Everything that was measured beside the quality, by trial and epoch."""
    with open_store(place.url, create=False, read_only=True) as store:
        return {(n, m.epoch): dict(m.further) for n, m in store.measurements("canvas")}
