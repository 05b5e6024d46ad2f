"""Plans as torch modules: the only place below training that imports torch.

Stable names: `build`, `load_upstream_state_dict`, `set_temperature`.
"""

from search_spaces.networks.attention import set_temperature
from search_spaces.networks.build import build, plan_of

__all__ = ["build", "plan_of", "set_temperature"]
