"""Sixty kills aimed at running trials and at fronts being written: nothing is lost or half.

Most shots are fired from inside: by a training between two of its batches, by the driver between
two statements of the transaction that writes a front, or before it removes the files that this
transaction has struck. The others come at random moments. Each run prints how many were which.
"""

import importlib.util
import json
import os
import random
import re
import signal
import time
from collections import Counter
from contextlib import suppress

import psutil
import pytest

from trials.errors import InterruptedSearchError
from trials.records import TrialState
from trials.store import open_store

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(3000)]

SHOOTER = '''
"""Fires when an aim's steps are over; whoever comes first takes an aim."""

import json, os, signal
from pathlib import Path

import psutil

HERE = Path(__file__).parent
PARTS = {
    "nursery": "execution.nursery", "tuning": "ray_tune.tuning", "agent": "ray::DashboardAgent",
    "raylet": "raylet/raylet", "head": "gcs_server", "watchdog": "watchdog.py",
}
held = None
front = False


def find(victim):
    """The process of a part of a search, None if it is not there now."""
    if victim in ("driver", "worker"):
        return int((HERE / victim).read_text()) if (HERE / victim).exists() else None
    for process in psutil.Process(find("driver")).children(recursive=True):
        try:
            if PARTS[victim] in " ".join(process.cmdline()[:6]):
                return process.pid
        except psutil.Error:
            pass
    return None


def fire(victim, where):
    pid = os.getpid() if victim == "worker" else find(victim)
    if pid is None:
        return
    with (HERE / "shots").open("a") as shots:
        shots.write(f"{where} {victim} {pid}\\n")
    os.kill(pid, signal.SIGKILL)


def step(where, last=False):
    """One more batch or statement."""
    global held
    if held is None and not last:
        mine = HERE / f"aimed-{os.getpid()}"
        try:
            (HERE / f"aim-{where}").rename(mine)
        except FileNotFoundError:
            return
        held = json.loads(mine.read_text())
    if held is None:
        return
    victim, steps, number = held
    if steps and not last:
        held = victim, steps - 1, number
        return
    held = None
    if number == int((HERE / "present").read_text()):  # it may have been taken long ago
        fire(victim, where)
'''
NETWORK = '''
import os

import shooter
import torch
from torch import nn


class Watched(nn.Sequential):
    """Three convolutions, two of which warehouses serve; a batch of training is a step."""

    def forward(self, images):
        if self.training and torch.is_grad_enabled() and images.device.type == "cpu":
            (shooter.HERE / f"worker-{os.getpid()}").write_text(str(os.getpid()))
            (shooter.HERE / f"worker-{os.getpid()}").replace(shooter.HERE / "worker")
            shooter.step("epoch")
        return super().forward(images)


def tiny(num_classes, in_channels):
    return Watched(
        nn.Conv2d(in_channels, 8, 3, padding=1, stride=2), nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, num_classes),
    )
'''
DRIVER = """
sys.path.insert(0, folder)
import shooter
(shooter.HERE / "driver").write_text(str(os.getpid()))
from sqlalchemy import event
from sqlalchemy.engine import Engine
from trials.checkpoints import Checkpoints

def statement(_connection, _cursor, sql, *_):
    shooter.front = shooter.front or sql.startswith("INSERT INTO kw_front ")
    if shooter.front:
        shooter.step("front")

def commit(_connection):
    if shooter.front:
        shooter.front = False
        shooter.step("front", last=True)

def forget(self, *given, original=Checkpoints.forget):
    shooter.step("files")
    original(self, *given)

event.listen(Engine, "before_cursor_execute", statement)
event.listen(Engine, "commit", commit)
Checkpoints.forget = forget
"""
SERIAL = [
    *[("epoch", "worker"), ("epoch", "driver"), ("epoch", "nursery")] * 4,
    *[("front", "driver"), ("files", "driver")] * 3,
    *[("any", "driver"), ("any", "worker"), ("any", "nursery")],
]
RAY = [
    *[("epoch", "worker"), ("epoch", "watchdog"), ("epoch", "driver"), ("epoch", "raylet")],
    *[("epoch", "agent"), ("epoch", "head"), ("epoch", "tuning"), ("front", "driver")],
    *[("any", "worker"), ("any", "driver")],
]
CLUSTER = {"raylet", "agent", "head", "tuning"}
"""Parts without which a cluster is dead."""

DEATHS = 2
"""Deaths of its clusters after which a run ends; it goes on after fewer."""

MISSES = 30
"""Aims of a run that may find nobody: a part that is never found has another name."""


class Range:
    """A study that is shot at, and searched on until all shots are fired.

    Args:
        place: of the study.
        seed: of the moments.
    """

    def __init__(self, place, seed):
        self.place, self.asked, self.process = place, 12, None
        self.draw = random.Random(seed)  # noqa: S311 - not a secret
        self.shots = place.folder / "shots"
        self.shots.touch()
        (place.folder / "shooter.py").write_text(SHOOTER)
        (place.folder / "tinynet.py").write_text(NETWORK)
        spec = importlib.util.spec_from_file_location("shooter", place.folder / "shooter.py")
        self.shooter = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.shooter)
        self.deadly = self.given_up = self.missed = self.aims = 0

    def fired(self):
        return self.shots.read_text().splitlines()

    def progress(self):
        return len(re.findall(r"^\d+/\d+ ", self.process.talk, re.MULTILINE))

    def started(self):
        """A search that runs; a new one where the last has ended as it may."""
        if self.process is not None and self.process.exitcode is None:
            return
        words = ["search", "tiny.toml"]
        if self.process is not None:
            code = self.process.exitcode
            self._ended_as_it_may(code, self.process.talk)
            words = ["resume", "tiny", "--steal"]
        with suppress(Exception), open_store(self.place.url, read_only=True) as store:
            self.asked = max(self.asked, store.study("tiny").finished + 12)
        if words[0] == "resume" and not self._is_there():
            words = ["search", "tiny.toml"]
        self.deadly = 0
        for name in ("worker", "driver"):
            (self.place.folder / name).unlink(missing_ok=True)
        self.process = self.place.start(*words, "--trials", self.asked, first=DRIVER)

    def _ended_as_it_may(self, code, talk):
        """Exit 5, with the command that goes on, only where a second cluster has died too."""
        assert code in {0, -signal.SIGKILL} | ({5} if self.deadly >= DEATHS else set()), (
            code,
            self.deadly,
            talk,
        )
        assert "Traceback" not in talk
        if code == InterruptedSearchError.exit_code:
            assert "kwsearch resume tiny" in talk.splitlines()[-1]
            self.given_up += 1

    def _is_there(self):
        with open_store(self.place.url, read_only=True) as store:
            return bool(store.studies())

    def wait(self, condition, seconds=300):
        """Until a condition holds, or the search has ended."""
        end = time.monotonic() + seconds
        while not condition() and self.process.exitcode is None:
            assert time.monotonic() < end, (self.process.talk, self.fired())
            time.sleep(0.005)
        return condition()

    def shoot(self, where, victim):
        """Fire once, and see that the search goes on, or that its driver is dead."""
        before = len(self.fired())
        aim = self.place.folder / f"aim-{where}"
        while len(self.fired()) == before:
            self.started()
            told = self.progress() + self.draw.randint(0, 2)
            self.wait(lambda told=told: self.progress() >= told)
            if self.process.exitcode is not None:
                continue
            if where == "any":
                self._at_random(victim)
            elif not aim.exists():
                self.aims += 1
                (self.place.folder / "present").write_text(str(self.aims))
                draft = aim.with_name("draft")
                draft.write_text(json.dumps([victim, self.draw.randint(0, 2), self.aims]))
                draft.replace(aim)
            self.wait(lambda: len(self.fired()) > before)
            self.missed += len(self.fired()) == before
            assert self.missed < MISSES, (where, victim, self.process.talk)
        self.deadly += victim in CLUSTER
        if victim == "driver":
            self.process.join(60)
            assert self.process.exitcode == -signal.SIGKILL
            self.place.sound()
        else:
            told = self.progress()
            self.wait(lambda: self.progress() > told)

    def _at_random(self, victim):
        time.sleep(self.draw.uniform(0, 0.5))
        found = None
        with suppress(psutil.Error, TypeError):  # it is just starting, or just ending
            found = self.shooter.find(victim)
        if found is None:
            return
        with self.shots.open("a") as shots:
            shots.write(f"any {victim} {found}\n")
        with suppress(ProcessLookupError):
            os.kill(found, signal.SIGKILL)

    def finished(self):
        """Search on to the end; the trials by number."""
        for _ in range(4):
            self.started()
            self.process.join(400)
            if self.process.exitcode == 0:
                break
        assert self.process.exitcode == 0, self.process.talk
        with open_store(self.place.url, read_only=True) as store:
            return store.trials("tiny"), store.study("tiny")


@pytest.mark.parametrize("executor", ["serial", "ray"])
def test_kills_in_epochs_and_fronts_lose_nothing(place, executor):
    """All trials end complete, measured as by a search that nobody shot at."""
    aims = [*(SERIAL if executor == "serial" else RAY)]
    study = (place.folder / "tiny.toml").read_text()
    study = study.replace("[search]", '[search]\npromotion = "none"')
    study += f'max_failures = 99\nexecutor = "{executor}"\n'
    (place.folder / "tiny.toml").write_text(study + ("workers = 2\n" if executor == "ray" else ""))
    place.isolate()
    shot_at = Range(place, seed=len(aims))
    shot_at.draw.shuffle(aims)
    for where, victim in aims:
        shot_at.shoot(where, victim)
    trials, record = shot_at.finished()
    place.sound()
    fired = Counter(line.rpartition(" ")[0] for line in shot_at.fired())
    inside = sum(n for shot, n in fired.items() if not shot.startswith("any"))
    figures = (
        f"{sum(fired.values())} kills, {inside} of them aimed; {shot_at.given_up} exits with 5:"
    )
    print(figures, dict(fired))  # noqa: T201 - the figures are the point
    assert sum(fired.values()) == len(aims)
    assert inside >= len(aims) / 2
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    assert len({trial.trial.digest for trial in trials}) == len(trials) == record.spec.trials
    _, alive = psutil.wait_procs(place.processes(), timeout=30)
    assert alive == []
    assert place.measured() == _undisturbed(place, len(trials))


def _undisturbed(place, trials):
    """What a serial search that nobody shoots at measures of the same networks."""
    study = (place.folder / "tiny.toml").read_text().replace('executor = "ray"', "")
    study = study.replace("workers = 2", "").replace("[search]", "[search]\nreuse = false")
    (place.folder / "calm.toml").write_text(study)
    place.run("search", "calm.toml", "--trials", trials)
    assert [row[1] for row in place.table("calm")] == [row[1] for row in place.table()]
    return place.measured("calm")
