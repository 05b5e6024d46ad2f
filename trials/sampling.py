"""The door to Optuna: proposals by ask and tell, with two objectives.

Optuna lives in memory and is fed from our tables. Every proposal is drawn by a sampler seeded
with (study seed, number of proposals so far), so what is proposed depends on the seed and on what
has been told, not on how often the search was interrupted. Trials under way stay running inside
Optuna, which then expects nothing good near them (constant liar).

A stopped trial was never trained to the top rung. It is told with the accuracy that it had and a
constraint that it breaks by the share of epochs it lacks, so that samplers rank it behind every
complete trial and learn from it all the same.

``qmc`` takes the points of a scrambled Sobol' sequence (scipy's) over all dimensions. Optuna's
own QMC sampler draws options at random and forgets its place when it is rebuilt.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.trial import TrialState as OptunaState
from scipy.stats import qmc

from search_spaces.choices import Choice, FloatRange, Value

STARTUP = 10
"""Proposals before a model-based sampler trusts its model."""

EVIDENCE = 200
"""Trials from which importances are computed, at most."""

UNFINISHED = "epochs lacking"
"""Name of the constraint that stopped trials break."""

_BUILDERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True
    ),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=20),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "qmc": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
SAMPLERS = tuple(_BUILDERS)
"""Names of the samplers."""

GUIDED = frozenset({"tpe", "nsga2", "gp"})
"""Samplers that learn, and so begin with proposals spread over the range of sizes."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a sampler proposes.

    Attributes:
        ticket: Optuna's own number; hand it back with the answer.
        values: a value for every dimension.
        state: what the sampler wants back if it is rebuilt from the database.
    """

    ticket: int
    values: Mapping[str, Value]
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Observation:
    """A finished trial as samplers see it.

    Attributes:
        params: parameters of the network.
        accuracy: its last accuracy.
        lacking: share of the top rung's epochs that it was not trained for, 0 if complete.
    """

    params: int
    accuracy: float
    lacking: float = 0.0


class Sampler:
    """One of `SAMPLERS` on the dimensions of a space.

    Args:
        kind: one of `SAMPLERS`.
        dimensions: what each dimension can take.
        seed: the study's seed.
        startup: values proposed first, in this order, by a guided sampler.
        asked: proposals made before this sampler was built.
    """

    def __init__(
        self,
        kind: str,
        dimensions: Mapping[str, Choice],
        seed: int,
        startup: Sequence[Mapping[str, Value]] = (),
        asked: int = 0,
    ) -> None:
        self._build = _BUILDERS[kind]
        self._kind = kind
        self._seed = seed
        self._distributions = {name: _distribution(choice) for name, choice in dimensions.items()}
        self._startup = tuple(startup) if kind in GUIDED else ()
        self._dimensions = dict(dimensions)
        self._asked = asked
        self._open: dict[int, optuna.Trial] = {}
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(
            directions=["minimize", "maximize"], sampler=self._build(seed)
        )

    def ask(self, *, blindly: bool = False) -> Proposal:
        """Propose values; ``blindly`` draws at random, for when the model only repeats itself."""
        index = self._asked
        self._asked += 1
        seed = int(np.random.default_rng([self._seed, index]).integers(2**31))
        build = _BUILDERS["random"] if blindly else self._build
        self._study.sampler = build(seed)
        if index < len(self._startup):
            self._study.enqueue_trial(dict(self._startup[index]))
        elif self._kind == "qmc":
            self._study.enqueue_trial(self._sobol_point(index))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            trial = self._study.ask(self._distributions)
        self._open[trial.number] = trial
        kept = self._study.get_trials(deepcopy=False)[trial.number]
        return Proposal(trial.number, dict(kept.params), dict(kept.system_attrs))

    def _sobol_point(self, index: int) -> dict[str, Value]:
        sequence = qmc.Sobol(len(self._dimensions), rng=np.random.default_rng(self._seed))
        if index:  # scipy cannot move on by nothing
            sequence.fast_forward(index)
        shares = sequence.random(1)[0]
        return {
            name: choice.at(float(share))
            for (name, choice), share in zip(self._dimensions.items(), shares, strict=True)
        }

    def refuse(self, ticket: int) -> None:
        """Take back a proposal that never became a trial, or a trial that failed."""
        self._open.pop(ticket, None)
        self._study.tell(ticket, state=OptunaState.FAIL)

    def tell(self, ticket: int, observed: Observation) -> None:
        """Tell what was measured."""
        trial = self._open.pop(ticket, None)
        if trial is None:  # restored while running: Optuna sets constraints only on what it asked
            running = self._study.get_trials(deepcopy=False)[ticket]
            self.refuse(ticket)
            self.restore(running.params, running.system_attrs, observed)
            return
        trial.set_constraint(UNFINISHED, observed.lacking)
        self._study.tell(trial, _objectives(observed))

    def restore(
        self,
        values: Mapping[str, Value],
        state: Mapping[str, Any],
        observed: Observation | None,
    ) -> int:
        """Put a trial of the database back: finished, or running if ``observed`` is None.

        Returns:
            Its ticket.
        """
        frozen = optuna.trial.create_trial(
            state=OptunaState.RUNNING if observed is None else OptunaState.COMPLETE,
            values=None if observed is None else _objectives(observed),
            params=dict(values),
            distributions=self._distributions,
            system_attrs=dict(state),
            constraints=None if observed is None else {UNFINISHED: observed.lacking},
        )
        self._study.add_trial(frozen)
        return len(self._study.get_trials(deepcopy=False)) - 1


def _objectives(observed: Observation) -> tuple[float, float]:
    return log(observed.params), observed.accuracy


def _distribution(choice: Choice) -> BaseDistribution:
    if isinstance(choice, FloatRange):
        return FloatDistribution(choice.low, choice.high, log=choice.log)
    return CategoricalDistribution(choice.values)


def importances(
    dimensions: Mapping[str, Choice],
    values: Sequence[Mapping[str, Value]],
    target: Sequence[float],
) -> dict[str, float]:
    """How much of a quantity's variance each dimension explains alone (fANOVA, Hutter et al. 2014).

    The shares add up to 1. A thousand trials say hardly more than `EVIDENCE` of them, so that many
    are taken, evenly over the list. Same arguments, same answer.

    Args:
        dimensions: what each dimension can take.
        values: the choices of each trial, a value for every dimension.
        target: the quantity, a finite number for each trial.

    Returns:
        Shares by dimension, largest first; none where the target or the choices do not vary.
    """
    step = max(len(values) / EVIDENCE, 1.0)
    chosen = [int(place * step) for place in range(min(len(values), EVIDENCE))]
    if len({target[i] for i in chosen}) < 2 or not dimensions:  # noqa: PLR2004 - one is no variance
        return {}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    distributions = {name: _distribution(choice) for name, choice in dimensions.items()}
    study.add_trials(
        [
            optuna.trial.create_trial(
                value=target[i],
                params={name: values[i][name] for name in dimensions},
                distributions=distributions,
            )
            for i in chosen
        ]
    )
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=32, seed=0)
    found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {name: float(share) for name, share in found.items()}
