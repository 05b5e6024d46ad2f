"""Every test that takes ``url`` runs once per kind of database, on one of its own."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from search_spaces import NetworkConfig
from search_spaces.backbones import shipped
from trials.records import Baseline, FrontUpdate, Measurement, NewStudy, Outcome, Trial, TrialState
from trials.store import Store, open_store

BACKBONE = shipped("resnet8", num_classes=10)
CONFIG = NetworkConfig(backbone="resnet8", num_classes=10, granularity="network")


@pytest.fixture
def folder(quick_path: Path) -> Path:
    """A folder of the test's own, in memory where that can be had."""
    return quick_path


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A fresh store."""
    with open_store(url, patience=5) as opened:
        yield opened


class Driver:
    """Writes made-up trials of one study."""

    def __init__(self, store: Store, study: str = "study") -> None:
        self.store = store
        self.study = study

    def create(self, baselines: Sequence[Baseline] = (), **changes: Any) -> None:
        """Create the study."""
        self.store.create_study(new_study(self.study, **changes), baselines)

    def trial(
        self, number: int, params: int = 1000, attempt: int = 1, macs: int | None = None
    ) -> Trial:
        """The trial of a number; its digest follows from it."""
        digest, macs = f"{number:064x}", 10 * params if macs is None else macs
        return Trial(self.study, number, CONFIG, digest, params, macs, number, attempt)

    def begin(
        self, number: int, params: int = 1000, macs: int | None = None, **changes: Any
    ) -> None:
        """Begin a trial of so many parameters."""
        given = {"values": {}, "sampler_state": {}, "refused": {}, **changes}
        self.store.begin(self.trial(number, params, macs=macs), **given)

    def measure(self, number: int, accuracy: float, epochs: tuple[int, ...] = (1, 3, 9)) -> None:
        """Measure a trial at each of these epochs."""
        for epoch in epochs:
            self.store.measure(self.study, number, 1, measured(epoch, accuracy))

    def complete(
        self,
        number: int,
        params: int,
        accuracy: float,
        front: FrontUpdate | None = None,
        macs: int | None = None,
    ) -> None:
        """Begin, measure and complete a trial."""
        self.begin(number, params, macs)
        self.measure(number, accuracy)
        self.finish(number, front=front)

    def finish(
        self,
        number: int,
        state: TrialState = TrialState.COMPLETE,
        front: FrontUpdate | None = None,
    ) -> None:
        """Finish a trial."""
        cause = None if state is TrialState.COMPLETE else "error"
        self.store.finish(self.study, number, Outcome(state, cause), front)


def new_study(name: str = "study", **changes: Any) -> NewStudy:
    """A study of twenty trials."""
    given = {
        "settings": {"proxy": {"epochs": [1, 3, 9]}},
        "backbone": BACKBONE,
        "seed": 3,
        "trials": 20,
        "smallest_params": 1000,
        "reference_params": 5000,
        "reference_accuracy": 0.1,
        **changes,
    }
    return NewStudy(name=name, **given)


def measured(epoch: int, accuracy: float = 0.5, **changes: float) -> Measurement:
    """A measurement of 100 images, half a second an epoch."""
    given = {"accuracy_error": 0.05, "loss": 1.25, "seconds": 0.5 * epoch, **changes}
    return Measurement(epoch=epoch, accuracy=accuracy, images=100, **given)


@pytest.fixture
def driver(store: Store) -> Driver:
    """A driver whose study exists."""
    made = Driver(store)
    made.create()
    return made


@pytest.fixture
def make_study() -> Callable[..., NewStudy]:
    """`new_study`, for tests that cannot import it from here."""
    return new_study


@pytest.fixture
def make_driver() -> Callable[..., Driver]:
    """`Driver`, likewise."""
    return Driver


@pytest.fixture
def make_measurement() -> Callable[..., Measurement]:
    """`measured`, likewise."""
    return measured


@pytest.fixture
def make_front() -> Callable[..., FrontUpdate]:
    """A front from its members and hypervolume."""
    return FrontUpdate
