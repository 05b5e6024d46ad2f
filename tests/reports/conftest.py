"""Made-up studies that the tests of reports read."""

import shutil

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from reports.summary import summarise
from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.space import Space
from trials.execution import run_serially
from trials.fidelity import Ladder
from trials.promotion import Halving
from trials.records import Measurement, NewStudy, Verdict
from trials.search import Search
from trials.store import open_store

LADDER = Ladder((1, 3, 9))
SETTINGS = {
    "space": {
        "backbone": "resnet8",
        "cell_num_ratio": {"low": 0.125, "high": 4.0, "log": True},
        "cell_inplane_ratio": [0.25, 0.5, 1.0],
        "sharing_range": ["none", "layer", "stage", "network"],
    },
    "budget": {"max_params": 200_000, "min_params": 10_000},
    "proxy": {"data": "digits", "epochs": [1, 3, 9]},
    "search": {"sampler": "random", "eta": 3.0, "trials": 40, "seed": 0},
}
EVIL = "<script>alert(1)</script>"
CHROMIUM = shutil.which("chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def learn(trial, report):
    """A made-up training: larger is better, with luck from the trial's seed; trial 0 fails."""
    rng = np.random.default_rng(trial.seed)
    luck = rng.uniform(0, 0.1)
    for epoch in LADDER.rungs:
        if trial.number == 0 and epoch == 3:
            raise ValueError(EVIL)
        accuracy = 0.1 * np.log10(trial.params) + luck + rng.normal(0.03 * np.log(epoch), 0.01)
        measurement = Measurement(epoch, accuracy, 0.01, 1 - accuracy, 359, 0.5 * epoch)
        if report(measurement) is Verdict.STOP:
            return


def make_study(store, name="made-up", trials=40, *, backbone="resnet8", settings=None, size=(8, 8)):
    """Search with made-up measurements until there are so many trials, and return the name."""
    table = shipped(backbone, 10, 1, size)
    space = Space(
        table,
        {
            "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
            "cell_inplane_ratio": Options((0.25, 0.5, 1.0)),
            "sharing_range": Options(("none", "layer", "stage", "network")),
        },
    )
    high = 200_000 if backbone == "resnet8" else 48_000_000
    limits, halving = Limits(min_params=10_000, max_params=high), Halving(3, 10_000, high)
    if name not in {study.name for study in store.studies()}:
        store.create_study(NewStudy(name, settings or SETTINGS, table, 0, trials, high, 0.1))
    store.set_trials(name, trials)
    search = Search(store, store.study(name), space, limits, LADDER, "random", "test:1", halving)
    run_serially(search, learn)
    return name


@pytest.fixture(scope="session")
def made_up(tmp_path_factory):
    """Path of a database with one study of 40 trials."""
    path = tmp_path_factory.mktemp("made-up") / "kwsearch.db"
    with open_store(str(path)) as store:
        make_study(store)
    return path


@pytest.fixture(scope="session")
def summary(made_up):
    """That study, summarised."""
    with open_store(str(made_up), read_only=True) as store:
        return summarise(store, "made-up")


@pytest.fixture(scope="session")
def wide(tmp_path_factory):
    """A study of a backbone of which results were published."""
    path = tmp_path_factory.mktemp("wide") / "kwsearch.db"
    budget = {"max_params": 48_000_000, "min_params": 10_000}
    settings = {**SETTINGS, "space": {**SETTINGS["space"], "backbone": "resnet18"}}
    with open_store(str(path)) as store:
        make_study(
            store,
            "wide",
            12,
            backbone="resnet18",
            settings={**settings, "budget": budget},
            size=(64, 64),
        )
        return summarise(store, "wide")


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A study before its first trial."""
    path = tmp_path_factory.mktemp("empty") / "kwsearch.db"
    table = shipped("resnet8", 10, 1, (8, 8))
    with open_store(str(path)) as store:
        store.create_study(NewStudy("empty", SETTINGS, table, 0, 40, 200_000, 0.1))
        return summarise(store, "empty")


@pytest.fixture
def growing(quick_path):
    """Path of a database, and a function that takes its study ``growing`` to a number of trials."""
    path = quick_path / "kwsearch.db"

    def grow(trials):
        with open_store(str(path)) as store:
            make_study(store, "growing", trials)
            return summarise(store, "growing")

    return path, grow


@pytest.fixture(scope="module")
def browser():
    """The system's Chromium."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()
