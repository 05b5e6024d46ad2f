"""What may be chosen, which network a choice is, and what it costs.

Stable names: `NetworkConfig`, `count`. Only ``search_spaces.networks`` imports torch.
"""

from search_spaces.budget import Count, count
from search_spaces.config import NetworkConfig
from search_spaces.errors import InfeasibleError, InputError, KwsearchError
from search_spaces.sites import Backbone, Site
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
    "plan_network",
]
