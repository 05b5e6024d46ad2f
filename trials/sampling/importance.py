"""How much each setting matters to a quantity."""

from collections.abc import Mapping, Sequence

import optuna

from search_spaces.choices import Choice, Value
from trials.sampling.kinds import distribution

TRIALS = 200
"""Trials from which importances are computed, at most."""


def importances(
    dimensions: Mapping[str, Choice],
    values: Sequence[Mapping[str, Value]],
    target: Sequence[float],
) -> dict[str, float]:
    """How much of a quantity's variance each dimension explains alone (fANOVA, Hutter et al. 2014).

    The shares add up to 1. A thousand trials say hardly more than `TRIALS` of them, so that many
    are taken, evenly over the list. Same arguments, same answer.

    Args:
        dimensions: what each dimension can take.
        values: the choices of each trial, a value for every dimension.
        target: the quantity, a finite number for each trial.

    Returns:
        Shares by dimension, largest first; none where the target or the choices do not vary.
    """
    step = max(len(values) / TRIALS, 1.0)
    chosen = [int(index * step) for index in range(min(len(values), TRIALS))]
    if len({target[i] for i in chosen}) < 2 or not dimensions:  # noqa: PLR2004 - one is no variance
        return {}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    distributions = {name: distribution(choice) for name, choice in dimensions.items()}
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
