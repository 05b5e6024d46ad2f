"""The executor's settings, and what must be so before Ray is imported."""

import importlib
from dataclasses import dataclass
from pathlib import Path

from trials.execution.contract import Decider
from trials.execution.ray_tune.surroundings import keep_private
from trials.records import Measure


@dataclass(frozen=True, slots=True)
class RayTune:
    """Runs trials on Ray, distributed by Tune; an `Executor`.

    Attributes:
        folder: for Ray's state and for notes; all nodes of a cluster must see it. What it holds is
            a cache: the database is the truth.
        workers: trials at once; None for as many as there is room for.
        cpus_per_trial: CPU cores of a trial.
        gpus_per_trial: GPUs of a trial; several share one below 1.
        address: ``host:port`` of a cluster that runs; None for one of our own on this machine,
            reachable from this machine alone and gone afterwards.
        trial_timeout: seconds that an attempt may measure in all; None for any.
        report_timeout: seconds that may pass until its next measurement; None for any.
    """

    folder: Path
    workers: int | None = None
    cpus_per_trial: int = 1
    gpus_per_trial: float = 0.0
    address: str | None = None
    trial_timeout: float | None = None
    report_timeout: float | None = None

    def __call__(self, decider: Decider, measure: Measure) -> None:
        """Run trials until the decider has no more; see `trials.execution.contract`.

        Raises:
            InputError: the cluster cannot be reached, has no room for one trial, or does not see
                the folder.
        """
        if self.address is None:
            keep_private()
        cluster = importlib.import_module("trials.execution.ray_tune.cluster")
        running = importlib.import_module("trials.execution.ray_tune.running")
        with cluster.joined(self):
            running.run(self, decider, measure)
