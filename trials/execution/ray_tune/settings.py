"""What a person sets of Ray; every module of this package reads it, and it imports none of them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RaySettings:
    """Where and under which limits trials run.

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
