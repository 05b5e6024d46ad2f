"""The door to Ray: trials in parallel, on this machine or on a cluster.

Importing this package loads no Ray; running it does.
"""

from trials.execution.ray_tune.executor import RayTune

__all__ = ["RayTune"]
