"""The executor; Ray is imported when it runs, and not before."""

import sys
from dataclasses import dataclass

from trials.execution.contract import Decider
from trials.execution.ray_tune.settings import RaySettings
from trials.execution.ray_tune.surroundings import keep_private
from trials.records import Measure


@dataclass(frozen=True, slots=True)
class RayTune(RaySettings):
    """Runs trials on Ray, distributed by Tune; an `Executor`.

    Tune runs in a process of its own, as Ray ends the process that joined a cluster when the
    cluster dies. A process that has joined one before, by ``ray.init``, stays with that one, and
    runs Tune itself.
    """

    def __call__(self, decider: Decider, measure: Measure) -> None:
        """Run trials until the decider has no more; see `trials.execution.contract`.

        Raises:
            InputError: the cluster cannot be reached, has no room for one trial, or does not see
                the folder.
            InterruptedSearchError: the cluster died twice, or cannot be joined again.
        """
        if self.address is None:
            keep_private()
        ray = sys.modules.get("ray")
        if ray is not None and ray.is_initialized():
            from trials.execution.ray_tune import running  # noqa: PLC0415 - loads Ray

            running.run(self, decider, measure)
        else:
            from trials.execution.ray_tune import beside  # noqa: PLC0415 - loads Ray

            beside.run(self, decider, measure)
