"""Optuna's samplers by name, and what a dimension is to Optuna."""

from collections.abc import Callable, Mapping

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler

from search_spaces.choices import Choice, FloatRange

STARTUP = 10
"""Proposals before a model-based sampler trusts its model."""

STARTUP_OF = {"exact": 4}
"""The same for samplers that need fewer: size is not to be learnt."""


class _KnowsItsSpace(BaseSampler):
    """Optuna's samplers work the space out from all their trials, at every proposal; this is it."""

    space: Mapping[str, BaseDistribution]

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, BaseDistribution]:
        del study, trial
        return dict(sorted(self.space.items()))


class _Tpe(_KnowsItsSpace, optuna.samplers.TPESampler):
    pass


class _Nsga2(_KnowsItsSpace, optuna.samplers.NSGAIISampler):
    def get_parent_population(
        self, study: optuna.Study, generation: int
    ) -> list[optuna.trial.FrozenTrial]:
        """Parents by number, so that a sampler that has just chosen them draws the same ones."""
        parents = super().get_parent_population(study, generation)
        return sorted(parents, key=lambda trial: trial.number)


class _Gp(_KnowsItsSpace, optuna.samplers.GPSampler):
    pass


_BUILDERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: _Tpe(
        seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True
    ),
    "nsga2": lambda seed: _Nsga2(seed=seed, population_size=20),
    "gp": lambda seed: _Gp(seed=seed, n_startup_trials=STARTUP),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
GUIDED = frozenset({"tpe", "nsga2", "gp"})
"""Optuna's samplers that learn."""

DRAWN = frozenset({"random", "qmc"})
"""Samplers that learn nothing, and so need not be told what was measured before."""

LEARNING = GUIDED | {"exact"}
"""Samplers that learn, and so begin with proposals spread over the range of sizes."""

SAMPLERS = ("tpe", "nsga2", "gp", "exact", "random", "qmc")
"""Names of our own samplers."""


def made(kind: str, seed: int, space: Mapping[str, BaseDistribution]) -> BaseSampler:
    """One of Optuna's samplers for a space: one of `GUIDED`, or ``random``."""
    sampler = _BUILDERS[kind](seed)
    if isinstance(sampler, _KnowsItsSpace):
        sampler.space = space
    return sampler


def distribution(choice: Choice) -> BaseDistribution:
    """What Optuna draws a dimension from."""
    if isinstance(choice, FloatRange):
        return FloatDistribution(choice.low, choice.high, log=choice.log)
    return CategoricalDistribution(choice.values)
