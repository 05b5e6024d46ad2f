"""What may be chosen, which network a choice is, and what it costs.

Stable names: `NetworkConfig`, `from_upstream`, `count`. Only ``search_spaces.networks`` imports
torch. What needs pydantic is loaded when it is first asked for: listing studies takes none of it.
"""

from typing import TYPE_CHECKING

from search_spaces.errors import InfeasibleError, InputError, KwsearchError
from search_spaces.sites import Backbone, Site

if TYPE_CHECKING:
    from search_spaces.budget import Count, count
    from search_spaces.config import NetworkConfig
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

if not TYPE_CHECKING:  # a type checker would take any name for one of this module

    def __getattr__(name: str) -> object:
        """Load the names that are not here yet."""
        if name not in __all__:
            raise AttributeError(f"module 'search_spaces' has no attribute {name!r}")
        from search_spaces.budget import Count, count  # noqa: PLC0415 - needs pydantic
        from search_spaces.config import NetworkConfig  # noqa: PLC0415 - needs pydantic
        from search_spaces.upstream import from_upstream, to_upstream  # noqa: PLC0415 - as above
        from search_spaces.warehouse import Plan, plan_network  # noqa: PLC0415 - as above

        later = (Count, count, NetworkConfig, from_upstream, to_upstream, Plan, plan_network)
        globals().update({one.__name__: one for one in later})
        return globals()[name]
