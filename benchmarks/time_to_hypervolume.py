"""How long until a front is as good as that of the search people write today.

The plain way is a page of Optuna: NSGA-II proposes, every network inside the budget is trained to
the top rung, the operator is computed as the paper writes it. kwsearch gets the same study: same
space, budget, images, recipe, top rung and cores. Both are timed from the first proposal; the
time of kwsearch is that at which its front encloses the plain way's final hypervolume.

    python benchmarks/time_to_hypervolume.py [--study quickstart] [--trials 24] [--seeds 0 1 2]

The last line is JSON.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import optuna
import torch

from kwsearch import api, driving, problems
from kwsearch.settings import StudySettings, from_plain, to_plain
from kwsearch.tasks import measure
from search_spaces import plan_network
from search_spaces.choices import Choice, FloatRange, Value
from trials.area import Area, Point
from trials.pareto import Front
from trials.records import Measure, Measurement, Trial, Verdict
from trials.search import SearchProgress, trial_seed
from trials.store import open_store
from trials.tasks.classification.plain import StudyTask

PATIENCE = 4
"""kwsearch gives up after this many times the plain way's trials."""


@dataclass(frozen=True)
class Result:
    """One seed; hypervolumes are mean heights of the front over log-parameters."""

    seed: int
    plain_seconds: float
    plain_hypervolume: float
    plain_front: int
    our_seconds: float | None
    our_trials: int
    our_hypervolume: float

    @property
    def ratio(self) -> float:
        """Plain seconds by ours; 0 where ours never got there."""
        return self.plain_seconds / self.our_seconds if self.our_seconds else 0.0


class Reached(Exception):  # noqa: N818 - good news
    """Our front encloses the target."""


class PlainWay:
    """NSGA-II over the dimensions of a study, every network trained to the top.

    Args:
        settings: the study.
        measure: trains and measures one network.
        trials: networks to train.
    """

    def __init__(self, settings: StudySettings, measure: Measure, trials: int) -> None:
        self._seed = settings.search.seed
        self._asked = problems.problem(settings, problems.backbone_for_planning(settings))
        self._measure = measure
        self._trials = trials
        self._trained: dict[str, float] = {}
        space, limits = self._asked.space, self._asked.limits
        self.front = Front(
            Area(
                limits.min_params or space.smallest_params(self._seed),
                limits.max_params or space.largest(self._seed),
                settings.search.accuracy_floor or 1 / space.backbone.num_classes,
            )
        )

    def run(self) -> None:
        """Search until that many networks are trained."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.NSGAIISampler(seed=self._seed, population_size=20)
        study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
        study.optimize(self._objective)

    def _objective(self, trial: optuna.Trial) -> tuple[int, float]:
        space = self._asked.space
        values = {name: suggest(trial, name, space.dimensions[name]) for name in space.dimensions}
        size = space.count(values)
        if size is None or self._asked.limits.broken(size):
            raise optuna.TrialPruned
        config = space.decode(values)
        digest = plan_network(config, space.backbone).digest
        if digest not in self._trained:
            number = len(self._trained)
            seed = trial_seed(self._seed, digest)
            made = Trial("plain", number, config, digest, size.params, size.macs, seed)
            self._trained[digest] = self._accuracy(made)
            self.front.add(Point.of(size.params, self._trained[digest], number))
        if len(self._trained) == self._trials:
            trial.study.stop()
        return size.params, self._trained[digest]

    def _accuracy(self, trial: Trial) -> float:
        accuracies: list[float] = []

        def take(measured: Measurement) -> Verdict:
            accuracies.append(measured.accuracy)
            return Verdict.CONTINUE

        self._measure(trial, take)
        return accuracies[-1]


def suggest(trial: optuna.Trial, name: str, choice: Choice) -> Value:
    """Optuna's own words for a dimension."""
    if isinstance(choice, FloatRange):
        return trial.suggest_float(name, choice.low, choice.high, log=choice.log)
    return trial.suggest_categorical(name, choice.values)  # type: ignore[no-any-return] # one of ours


def compare(settings: StudySettings, trials: int) -> Result:
    """Run the plain way to its end, then kwsearch until it has as much."""
    folder = Path(tempfile.mkdtemp(dir="."))
    plain = PlainWay(settings, plain_measure(settings, folder), trials)
    started = time.monotonic()
    plain.run()
    plain_seconds = time.monotonic() - started
    target = plain.front.hypervolume

    progress: list[SearchProgress] = []
    reached: list[float] = []

    def watch(now: SearchProgress) -> None:
        progress.append(now)
        if now.hypervolume >= target:
            reached.append(time.monotonic() - started)
            raise Reached

    started = time.monotonic()
    with suppress(Reached):
        api.search(
            settings, database=str(folder / "ours.db"), trials=PATIENCE * trials, watch=watch
        )
    return Result(
        seed=settings.search.seed,
        plain_seconds=plain_seconds,
        plain_hypervolume=target,
        plain_front=len(plain.front.members),
        our_seconds=reached[0] if reached else None,
        our_trials=len(progress),
        our_hypervolume=progress[-1].hypervolume,
    )


def plain_measure(settings: StudySettings, folder: Path) -> Measure:
    """The same training as kwsearch's, the operator computed as the paper writes it."""
    plain = to_plain(settings)
    plain["proxy"]["way"] = "textbook"
    settings = from_plain(plain, "the plain way")
    with open_store(str(folder / "plain.db")) as store:
        study = driving.create(store, settings)
    asked = problems.problem(settings, study.spec.backbone)
    task = measure(settings, study, asked.ladder)
    assert isinstance(task, StudyTask)
    return replace(task.trials, checkpoints=None)


def main() -> None:
    """Print a table and a last line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--study", default="quickstart", help="a study file or a preset")
    parser.add_argument("--trials", type=int, default=24, help="networks that the plain way trains")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--threads", type=int, help="threads of a training; the study's own if unset"
    )
    parser.add_argument("--quick", action="store_true", help="4 networks, 2 epochs, one seed")
    given = parser.parse_args()
    if given.quick:
        given.trials, given.seeds = 4, [0]
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}")
    print(
        f"{'seed':>4} {'plain s':>8} {'hypervolume':>11} {'ours s':>8} {'trials':>6} {'ratio':>6}"
    )
    study, results = to_plain(api.settings(given.study)), []
    os.chdir(tempfile.mkdtemp())  # a search leaves its runs where it was started
    for seed in given.seeds:
        plain = deepcopy(study)
        plain["search"]["seed"] = seed
        plain["baselines"]["seeds"] = 0  # the plain way has none
        if given.quick:
            plain["proxy"]["epochs"] = [1, 2]
        if given.threads:
            plain["execution"]["threads"] = given.threads
        result = compare(from_plain(plain, "options"), given.trials)
        results.append(result)
        ours = f"{result.our_seconds:8.1f}" if result.our_seconds else "   never"
        print(
            f"{seed:>4} {result.plain_seconds:8.1f} {result.plain_hypervolume:11.4f} {ours} "
            f"{result.our_trials:>6} {result.ratio:6.1f}",
            flush=True,
        )
    ratio = median(result.ratio for result in results)
    print(json.dumps({"median_ratio": ratio, "seeds": [asdict(result) for result in results]}))


if __name__ == "__main__":
    main()
