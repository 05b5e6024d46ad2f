"""qLogNEHVI of BoTorch, with size as a known objective.

Two objectives to be made large: accuracy, modelled by a Gaussian process of BoTorch's own defaults
on complete trials, and minus the logarithm of parameters, a `GenericDeterministicModel`. Inputs are
those of `exact`: what plans know, scaled. Every network of the table that was not trained is looked
at; the one with the highest acquisition is trained to the end. It begins with the same networks as
Optuna's samplers.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.fit import fit_gpytorch_mll
from botorch.models import ModelList, SingleTaskGP
from botorch.models.deterministic import GenericDeterministicModel
from botorch.models.transforms import Standardize
from botorch.models.transforms.input import FilterFeatures
from botorch.sampling.get_sampler import get_sampler
from gpytorch.mlls import ExactMarginalLogLikelihood

SAMPLES = 64
"""Draws of the Monte Carlo estimate."""


def proposed(replay: Any, seed: int) -> Iterator[tuple[str, int]]:  # noqa: ANN401 - samplers.Replay
    """What is to be trained, and to which epoch."""
    bench = replay.bench
    torch.manual_seed(seed)
    for values in bench.startup(seed):
        yield bench.digest(values), bench.top
    while True:
        yield _best(replay, seed), bench.top


def _best(replay: Any, seed: int) -> str:  # noqa: ANN401 - likewise
    bench = replay.bench
    digests = list(bench.networks)
    inputs, sizes = bench.inputs, np.log([bench.networks[d][0] for d in digests])
    low, high = sizes.min(), np.log(bench.table.facts.area.high)
    small = (high - sizes) / (high - low)
    trained = [at for at, digest in enumerate(digests) if digest in replay.reached]
    free = [at for at, digest in enumerate(digests) if digest not in replay.reached]
    accuracy = [bench.networks[digests[at]][1][-1].accuracy for at in trained]
    rows = torch.tensor(np.column_stack([inputs, small]), dtype=torch.double)
    known, all_but_size = rows[trained], torch.arange(rows.shape[1] - 1)
    measured = torch.tensor(accuracy, dtype=torch.double)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        process = SingleTaskGP(
            known,
            measured,
            outcome_transform=Standardize(1),
            input_transform=FilterFeatures(all_but_size),
        )
        fit_gpytorch_mll(ExactMarginalLogLikelihood(process.likelihood, process))
        size = GenericDeterministicModel(lambda rows: rows[..., -1:], num_outputs=1)
        model = ModelList(process, size)
        acquisition = qLogNoisyExpectedHypervolumeImprovement(
            model,
            ref_point=[bench.table.facts.area.floor, 0.0],
            X_baseline=known,
            sampler=get_sampler(model.posterior(known), torch.Size([SAMPLES]), seed=seed),
            prune_baseline=True,
        )
        with torch.no_grad():
            scores = torch.cat([acquisition(part[:, None]) for part in rows[free].split(128)])
    return str(digests[free[int(scores.argmax())]])
