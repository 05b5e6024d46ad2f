"""Running trials: the contract between the search that decides and executors that run."""

from trials.execution.contract import Decider, Executor
from trials.execution.isolated import Isolated
from trials.execution.outcomes import failed, outcome_of
from trials.execution.serial import run_serially
from trials.execution.simulated import Simulated, following

__all__ = [
    "Decider",
    "Executor",
    "Isolated",
    "Simulated",
    "failed",
    "following",
    "outcome_of",
    "run_serially",
]
