"""Made-up studies that the tests of reports read."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from reports.summary import summarise
from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.space import Space
from trials.baselines import Baselines, BaselinesFirst
from trials.execution import run_serially
from trials.fidelity import Ladder
from trials.promotion import Halving
from trials.records import (
    Baseline,
    BaselineRecord,
    Measurement,
    NewStudy,
    Role,
    TrialState,
    Verdict,
)
from trials.repeats import near_front
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
        if trial.key == "0" and epoch == 3:
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
        new = NewStudy(name, settings or SETTINGS, table, 0, trials, 1_000, high, 0.1)
        store.create_study(new, plain_networks(name, table))
    store.set_trials(name, trials)
    study = store.study(name)
    search = Search(store, study, space, limits, LADDER, "random", "test:1", halving)
    run_serially(BaselinesFirst(Baselines(store, study, LADDER, "test:1"), search), learn)
    return name


def rule(study):
    """How trials of these studies are stopped."""
    return Halving(3, 10_000, study.spec.reference_params)


def plain_networks(study, own):
    """Three trainings of the backbone; of resnet8 one of half the width and a wider one too."""
    wanted = [(Role.PLAIN, own, seed) for seed in range(3)]
    if own.name == "resnet8":
        wanted += [(Role.WIDTH, shipped(f"resnet8x{w}", 10, 1, (8, 8)), 0) for w in (0.5, 1.5)]
    return [
        Baseline(study, number, role, table, table.params, table.macs, seed)
        for number, (role, table, seed) in enumerate(wanted)
    ]


IMAGES = 359


def repeats(summary, trial, *accuracies, state=TrialState.COMPLETE):
    """Trainings of a trial's network from further seeds."""
    table = summary.study.spec.backbone
    return [
        BaselineRecord(
            baseline=Baseline(
                "s", n, Role.REPEAT, table, trial.trial.params, 1, n, repeats=trial.trial
            ),
            state=state,
            cause=None,
            detail=None,
            worker=None,
            lost=0,
            epochs=9,
            accuracy=accuracy,
            accuracy_error=0.01,
            loss=0.5,
            images=IMAGES,
            seconds=1.0,
            finished_at=None,
        )
        for n, accuracy in enumerate(accuracies)
    ]


@pytest.fixture(scope="session")
def again(summary):
    """The made-up study with two repeats of each network near its front; one member falls back."""
    complete = [trial for trial in summary.trials if trial.state is TrialState.COMPLETE]
    lucky = summary.front[1].number
    found = [
        one
        for trial in near_front(complete)
        for drop in [0.2 if trial.number == lucky else 0.01]
        for one in repeats(summary, trial, trial.accuracy - drop, trial.accuracy - drop - 0.002)
    ]
    return replace(summary, baselines=(*summary.baselines, *found))


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
        return summarise(store, "made-up", rule)


@pytest.fixture
def with_baselines(made_up):
    """Its store, open for reading, and the name of the study."""
    with open_store(str(made_up), read_only=True) as store:
        yield store, "made-up"


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
        return summarise(store, "wide", rule)


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """A study before its first trial."""
    path = tmp_path_factory.mktemp("empty") / "kwsearch.db"
    table = shipped("resnet8", 10, 1, (8, 8))
    with open_store(str(path)) as store:
        store.create_study(NewStudy("empty", SETTINGS, table, 0, 40, 1_000, 200_000, 0.1))
        return summarise(store, "empty", rule)


@pytest.fixture
def growing(quick_path):
    """Path of a database, and a function that takes its study ``growing`` to a number of trials."""
    path = quick_path / "kwsearch.db"

    def grow(trials):
        with open_store(str(path)) as store:
            make_study(store, "growing", trials)
            return summarise(store, "growing", rule)

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
