"""MO-ASHA of Syne Tune: random networks, halved by non-domination at epochs 1, 3 and 9.

Networks are drawn from the settings of the space, as its own random search draws them; those that
the table does not have, and those that were proposed before, are drawn again at no cost.
"""

from collections.abc import Iterator
from datetime import datetime
from math import log
from typing import Any

import numpy as np
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice
from syne_tune.optimizer.scheduler import SchedulerDecision
from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA


def proposed(replay: Any, seed: int) -> Iterator[tuple[str, int]]:  # noqa: ANN401 - samplers.Replay
    """What is to be trained, and to which epoch."""
    bench = replay.bench
    np.random.seed(seed)  # noqa: NPY002 - Syne Tune draws from numpy's own generator
    scheduler = MOASHA(
        {name: choice([*one.values]) for name, one in bench.space.dimensions.items()},
        metrics=["size", "error"],
        time_attr="epoch",
        max_t=bench.top,
        grace_period=1,
        reduction_factor=3,
        random_seed=seed,
    )
    number = 0
    while True:
        config = scheduler.suggest().config
        digest = bench.digest(config)
        if digest is None or digest in replay.reached:
            continue
        trial, number = Trial(number, config, datetime.now().astimezone()), number + 1
        scheduler.on_trial_add(trial)
        params, curve = bench.networks[digest]
        for measured in curve:
            yield digest, measured.epoch
            result = {
                "epoch": measured.epoch,
                "size": log(params),
                "error": 1 - measured.accuracy,
            }
            if measured.epoch == bench.top:
                scheduler.on_trial_complete(trial, result)
            elif scheduler.on_trial_result(trial, result) == SchedulerDecision.STOP:
                scheduler.on_trial_remove(trial)
                break
