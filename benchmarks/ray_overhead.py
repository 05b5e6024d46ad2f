"""What a trial costs beside its training: our executor on Ray, beside Tune with OptunaSearch.

    python benchmarks/ray_overhead.py [--trials 120] [--rounds 3] [--workers 2] [--sampler tpe]
        [--quick]

Both run trials that do nothing but report once, on one Ray cluster, in turns, with reused actors,
the same number of workers, seven dimensions and two objectives. With ``tpe`` each has its own
default sampler, with ``random`` neither's sampler costs anything. Ours also plans and counts each
network, writes it, its measurement and the front into SQLite in memory-backed storage, and computes
hypervolumes. A rate counts the trials between the first and the last that end, so that starting
workers is in neither. Prints rates of each round, their medians and ratio, and the same numbers as
JSON on the last line.
"""

import argparse
import json
import logging
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")

import optuna
from ray import tune
from ray.tune.search.optuna import OptunaSearch

from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.space import Space
from trials.execution.ray_tune import RayTune, folders
from trials.execution.ray_tune.cluster import joined
from trials.fidelity import Ladder
from trials.records import Measurement, NewStudy, Report, Trial
from trials.search import Search
from trials.store import open_store

SPACE = Space(
    shipped("resnet20", 10, 3, (32, 32)),
    {
        "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
        "cell_inplane_ratio": Options((0.25, 0.5, 1.0)),
        "sharing_range": Options(("none", "layer", "stage")),
    },
    "stage",
)
"""A multiplier of its own for each stage: hardly any network is proposed twice."""


def nothing(trial: Trial, report: Report) -> None:
    """Measure a trial without training it."""
    accuracy = 0.5 + trial.seed % 1000 / 4000
    report(Measurement(1, accuracy, 0.01, 1 - accuracy, 100, 0.0))


class Nothing(tune.Trainable):
    """The same as a trainable of Tune's."""

    def setup(self, config: dict[str, Any]) -> None:
        """Keep the configuration."""
        self._given = config

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Be reused."""
        self._given = new_config
        return True

    def step(self) -> dict[str, Any]:
        """Report once."""
        return {"accuracy": 0.5, "params": next(iter(self._given.values())), "done": True}


class Clock(tune.Callback):
    """When trials ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:  # noqa: ANN401, ARG002 - Tune's signature
        """A trial ended."""
        self.ends.append(time.monotonic())


def ours(folder: Path, trials: int, workers: int, sampler: str) -> list[float]:
    """Times at which trials of a search of ours ended."""
    ends: list[float] = []
    with open_store(str(folder / "kwsearch.db")) as store:
        new = NewStudy("study", {}, SPACE.backbone, 0, trials, 1_000, 2_000_000, 0.1)
        search = Search(
            store,
            store.create_study(new),
            SPACE,
            Limits(max_params=2_000_000),
            Ladder((1,)),
            sampler,
            "here:1",
            watch=lambda _: ends.append(time.monotonic()),
        )
        RayTune(folder / "ray", workers=workers)(search, nothing)
    return ends


def optunas(folder: Path, trials: int, workers: int, sampler: str) -> list[float]:
    """The same of Tune with OptunaSearch."""
    clock = Clock()
    made = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}[sampler]
    tune.Tuner(
        Nothing,
        param_space={
            name: tune.choice([*choice.values])
            if isinstance(choice, Options)
            else tune.loguniform(choice.low, choice.high)
            for name, choice in SPACE.dimensions.items()
        },
        tune_config=tune.TuneConfig(
            num_samples=trials,
            max_concurrent_trials=workers,
            search_alg=OptunaSearch(
                metric=["params", "accuracy"], mode=["min", "max"], sampler=made(seed=0)
            ),
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="optuna",
            storage_path=str(folder),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            callbacks=[clock],
            verbose=0,
        ),
    ).fit()
    return clock.ends


def rate(ends: list[float], trials: int) -> float:
    """Trials per second between the first and the last that end."""
    assert len(ends) == trials
    return (trials - 1) / (ends[-1] - ends[0])


def main() -> None:
    """Measure in turns, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sampler", choices=["tpe", "random"], default="tpe")
    parser.add_argument("--quick", action="store_true", help="one round of 30 trials")
    asked = parser.parse_args()
    if asked.quick:
        asked.trials, asked.rounds = 30, 1
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.disable(logging.WARNING)
    rates: dict[str, list[float]] = {"kwsearch": [], "OptunaSearch": []}
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - the folder inside is private
    with (
        tempfile.TemporaryDirectory(dir=memory) as folder,
        folders.own_folder() as own,
        joined(RayTune(Path(folder), workers=asked.workers), own),
    ):
        print("| round | kwsearch, trials/s | OptunaSearch, trials/s |\n|---|---|---|")
        for number in range(1, asked.rounds + 1):
            for (name, done), run in zip(rates.items(), (ours, optunas), strict=True):
                place = Path(folder, f"{name}{number}")
                place.mkdir()
                done.append(
                    rate(run(place, asked.trials, asked.workers, asked.sampler), asked.trials)
                )
            print(f"| {number} | " + " | ".join(f"{d[-1]:.1f}" for d in rates.values()) + " |")
    medians = {name: median(done) for name, done in rates.items()}
    ratio = medians["kwsearch"] / medians["OptunaSearch"]
    print("| median | " + " | ".join(f"{value:.1f}" for value in medians.values()) + " |")
    print(f"\nkwsearch reaches {ratio:.2f} of OptunaSearch's rate; at least 0.8 is asked for.")
    print(json.dumps({"sampler": asked.sampler, "trials_per_second": rates, "ratio": ratio}))


if __name__ == "__main__":
    main()
