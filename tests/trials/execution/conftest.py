"""Every test that takes ``executor`` runs once per executor."""

import importlib
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cloudpickle
import pytest

from search_spaces import NetworkConfig
from trials.execution import Executor, Isolated, Simulated, run_serially
from trials.execution.contract import Decider
from trials.execution.ray_tune import RayTune, surroundings
from trials.records import Measure, Measurement, Outcome, Report, Trial, Verdict

CONFIG = NetworkConfig(backbone="resnet8", num_classes=10, granularity="network")


def measurement(epoch: int, accuracy: float = 0.5) -> Measurement:
    """A measurement of no particular network."""
    return Measurement(epoch, accuracy, 0.01, 1 - accuracy, 100, 0.5 * epoch)


@dataclass
class Script:
    """A decider that hands out ``trials`` trials and writes down what it is asked and told.

    Attributes:
        trials: how many there are.
        losses: attempts of a trial that may be lost.
        verdict: what it answers to a trial's measurement.
        calls: every call, in order: its name, the trial's number, and what came with it.
    """

    trials: int = 4
    losses: int = 2
    verdict: Callable[[Trial, Measurement], Verdict] = lambda *_: Verdict.CONTINUE
    calls: list[tuple[str, int | None, object]] = field(default_factory=list)

    def suggest(self) -> Trial | None:
        number = sum(call == "suggest" for call, _, _ in self.calls)
        if number >= self.trials:
            self.calls.append(("none", None, None))
            return None
        self.calls.append(("suggest", number, None))
        return Trial("study", number, CONFIG, f"{number:064x}", 1000 + number, 1, number)

    def report(self, trial: Trial, measured: Measurement) -> Verdict:
        self.calls.append(("report", trial.number, measured))
        return self.verdict(trial, measured)

    def retry(self, trial: Trial) -> Trial | None:
        self.calls.append(("retry", trial.number, trial.attempt))
        if trial.attempt > self.losses:
            return None
        return replace(trial, attempt=trial.attempt + 1)

    def finish(self, trial: Trial, outcome: Outcome) -> None:
        self.calls.append(("finish", trial.number, outcome))

    def epochs(self, number: int) -> list[int]:
        """Epochs reported of a trial, in order."""
        return [m.epoch for call, n, m in self.calls if (call, n) == ("report", number)]

    def outcomes(self) -> dict[int, Outcome]:
        """How each finished trial ended."""
        ended = [(n, outcome) for call, n, outcome in self.calls if call == "finish"]
        assert len(dict(ended)) == len(ended), "a trial was finished twice"
        return dict(ended)


@dataclass(frozen=True)
class Diary:
    """A file that measures write to, whatever process they run in."""

    path: Path

    def write(self, *what: object) -> None:
        """Add an entry."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([os.getpid(), *what]) + "\n")

    def read(self) -> list[list[object]]:
        """All entries, without the process that wrote them."""
        return [entry[1:] for entry in self._entries()]

    def processes(self) -> set[int]:
        """Who wrote."""
        return {entry[0] for entry in self._entries()}

    def _entries(self) -> list[list[object]]:
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def script() -> type[Script]:
    """Makes deciders."""
    return Script


@pytest.fixture
def measured() -> Callable[..., Measurement]:
    """Makes measurements."""
    return measurement


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    """An empty diary."""
    return Diary(tmp_path / "diary")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Ray cluster of our own on this machine, joined by this process until the tests are over."""
    surroundings.keep_private()
    module = importlib.import_module("trials.execution.ray_tune.cluster")
    pickling = importlib.import_module("ray.cloudpickle")
    pickling.register_pickle_by_value(sys.modules[__name__])  # workers cannot import this file
    folders = importlib.import_module("trials.execution.ray_tune.folders")
    settings = RayTune(tmp_path_factory.mktemp("ray"), workers=2)
    with folders.own_folder() as own, module.joined(settings, own):
        yield


class ByValue:
    """A measure that is pickled with its code; other processes cannot import this file."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure

    def __call__(self, trial: Trial, report: Report) -> None:
        self._measure(trial, report)

    def __reduce__(self) -> tuple[object, ...]:
        cloudpickle.register_pickle_by_value(sys.modules[__name__])
        return pickle.loads, (cloudpickle.dumps(self._measure),)


def isolated(decider: Decider, measure: Measure) -> None:
    """Each attempt in a process of its own."""
    Isolated()(decider, ByValue(measure))


@pytest.fixture(params=["serial", "isolated", "simulated", "ray"])
def executor(request: pytest.FixtureRequest, tmp_path: Path) -> Executor:
    """Each executor in turn, with one worker."""
    if request.param == "ray":
        request.getfixturevalue("cluster")
        return RayTune(tmp_path / "ray", workers=1)
    if request.param == "isolated":
        return isolated
    return {"serial": run_serially, "simulated": Simulated()}[request.param]


@pytest.fixture(params=["isolated", "ray"])
def executor_of_processes(request: pytest.FixtureRequest, tmp_path: Path) -> Executor:
    """Each executor whose measures run in processes of their own."""
    if request.param == "isolated":
        return isolated
    request.getfixturevalue("cluster")
    return RayTune(tmp_path / "ray", workers=1)
