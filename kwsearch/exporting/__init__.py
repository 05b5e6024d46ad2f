"""A trial as a folder of its own: written whole, read back, verified.

`export_trial` and `export_ladder` write, `complete` makes a training's folder like theirs, `load`
reads, `verify` checks. Torch is loaded where a
network is built, onnx where a graph is asked for.
"""

from kwsearch.exporting.exported import Exported, load
from kwsearch.exporting.folder import Found, export_ladder, export_trial
from kwsearch.exporting.ladder import Rung, best_under, parse_ladder
from kwsearch.exporting.trained import complete
from kwsearch.exporting.verifying import verify
from trials.checkpoints import runs_folders

__all__ = [
    "Exported",
    "Found",
    "Rung",
    "best_under",
    "complete",
    "export_ladder",
    "export_trial",
    "load",
    "parse_ladder",
    "runs_folders",
    "verify",
]
