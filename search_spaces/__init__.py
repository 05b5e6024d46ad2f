"""What may be chosen, which network a choice is, and what it costs.

Stable names: `NetworkConfig`, `from_upstream`, `count`. Only ``search_spaces.networks`` imports
torch.
"""

from search_spaces.budget import Count, count
from search_spaces.config import NetworkConfig
from search_spaces.errors import InfeasibleError, InputError, KwsearchError
from search_spaces.sites import Backbone, Site
from search_spaces.upstream import from_upstream, to_upstream
from search_spaces.warehouse import Plan, plan_network

__all__ = [
    "Backbone",
    "Count",
    "InfeasibleError",
    "InputError",
    "KwsearchError",
    "NetworkConfig",
    "Plan",
    "Site",
    "count",
    "from_upstream",
    "plan_network",
    "to_upstream",
]
