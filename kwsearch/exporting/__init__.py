"""A trial as a folder of its own: written whole, read back, verified.

`export_trial` and `export_ladder` write, `load` reads, `verify` checks. Torch is loaded where a
network is built, onnx where a graph is asked for.
"""

from kwsearch.exporting.exported import Exported, load
from kwsearch.exporting.folder import Found, export_ladder, export_trial
from kwsearch.exporting.ladder import Rung, best_under, parse_ladder
from kwsearch.exporting.verifying import verify
from kwsearch.exporting.weights import runs_folders

__all__ = [
    "Exported",
    "Found",
    "Rung",
    "best_under",
    "export_ladder",
    "export_trial",
    "load",
    "parse_ladder",
    "runs_folders",
    "verify",
]
