"""Plans as torch modules: the only place below training that imports torch.

Stable names: `assign_cells`, `build`, `compress_cells`, `load_upstream_state_dict`,
`set_temperature`, `start_from`.
"""

from search_spaces.networks.assigning import assign_cells
from search_spaces.networks.attention import set_temperature
from search_spaces.networks.build import build, plain_of, plan_of
from search_spaces.networks.layer import compress_cells
from search_spaces.networks.starting import StartReport, fresh_tensors, start_from, start_plain
from search_spaces.networks.tensor_files import read_tensors
from search_spaces.networks.upstream_weights import LoadReport, load_upstream_state_dict

__all__ = [
    "LoadReport",
    "StartReport",
    "assign_cells",
    "build",
    "compress_cells",
    "fresh_tensors",
    "load_upstream_state_dict",
    "plain_of",
    "plan_of",
    "read_tensors",
    "set_temperature",
    "start_from",
    "start_plain",
]
