"""A study of real images with made-up measurements, and an export of it."""

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

from kwsearch import api, driving
from kwsearch.settings import from_plain
from trials.records import Measurement, Verdict
from trials.store import open_store

SMALL = {
    "name": "small",
    "space": {
        "backbone": "resnet8x0.25",
        "cell_num_ratio": {"low": 0.125, "high": 4.0, "log": True},
        "cell_outplane_ratio": [0.5, 1.0],
        "sharing_range": ["none", "stage"],
    },
    "budget": {"max_params": 60_000},
    "proxy": {"data": "digits", "epochs": [1, 2]},
    "search": {"trials": 12, "promotion": "none"},
}


def learn(trial, report):
    """A made-up training: larger is better, with luck from the trial's seed."""
    luck = np.random.default_rng(trial.seed).uniform(0, 0.2)
    for epoch in (1, 2):
        accuracy = round(0.15 * np.log10(trial.params) + luck, 3)
        if report(Measurement(epoch, accuracy, 0.02, 1 - accuracy, 299, 1.0)) is Verdict.STOP:
            return


@pytest.fixture(scope="session")
def searched(tmp_path_factory):
    """A folder in which the study ``small`` was searched: database and decoded digits."""
    folder = tmp_path_factory.mktemp("searched")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(driving, "measure", lambda *_: learn)
        with open_store("runs/kwsearch.db") as store:
            driving.drive(store, driving.create(store, from_plain(SMALL)))
    return folder


@pytest.fixture
def settings_of_small():
    """The settings of that study, as plain values."""
    return deepcopy(SMALL)


@pytest.fixture
def at_study(searched: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That folder, as the current one."""
    monkeypatch.chdir(searched)
    monkeypatch.delenv("KWSEARCH_DATABASE", raising=False)
    return searched


@pytest.fixture(scope="session")
def exported(searched, tmp_path_factory):
    """The best trial of the study, exported with a graph."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(searched)
        return api.export(
            "small",
            folder=tmp_path_factory.mktemp("exports") / "best",
            max_params=60_000,
            onnx=True,
        )
