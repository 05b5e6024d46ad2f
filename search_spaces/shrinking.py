"""What keeps a network large: layers whose attention costs more than they do themselves.

Attention over many mixtures can have more parameters than the weight that it makes up, and no
choice of cells takes it away. Such a layer is smaller when it stays plain.
"""

from collections.abc import Sequence

from search_spaces.budget import count
from search_spaces.config import NetworkConfig
from search_spaces.sites import Backbone

_SHOWN = 3


def outweighed(config: NetworkConfig, table: Backbone) -> list[tuple[str, int, int]]:
    """Layers that are smaller plain than with their attention alone, the dearest first.

    Args:
        config: the network.
        table: its backbone.

    Returns:
        Of each its name, the parameters of its attention, and those of its plain weight.
    """
    attention = {site.name: site.attention_params for site in count(config, table).sites}
    found = [
        (site.name, attention[site.name], site.weight_params)
        for site in table.sites
        if attention[site.name] > site.weight_params
    ]
    return sorted(found, key=lambda row: row[2] - row[1])


def advice(config: NetworkConfig, table: Backbone) -> str:
    """How a space comes to reach smaller networks than this one, with the key to write.

    Args:
        config: the smallest network of the space.
        table: its backbone.
    """
    found = outweighed(config, table)
    if not found:
        return (
            "Let the space reach smaller networks: a lower cell_num_ratio or reduction in [space], "
            "or a narrower backbone."
        )
    told = ", ".join(
        f"{name} ({attention:,} for a layer of {weights:,})"
        for name, attention, weights in found[:_SHOWN]
    )
    more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    whole = sum(attention for _, attention, _ in found)
    keys = ", ".join(f'"{pattern}"' for pattern in _patterns([row[0] for row in found], table))
    return (
        f"{whole:,} parameters are attention that costs more than the layers it serves: {told}"
        f"{more}. Leave those layers plain: exclude = [{keys}] in [space]."
    )


def _patterns(names: Sequence[str], table: Backbone) -> list[str]:
    """The names; one pattern for those of one last part, where no other layer has it."""
    chosen = set(names)
    patterns: dict[str, None] = {}
    for name in names:
        last = name.rpartition(".")[2]
        alike = [site.name for site in table.sites if site.name.rpartition(".")[2] == last]
        together = len(alike) > 1 and chosen.issuperset(alike) and all("." in one for one in alike)
        patterns[f"*.{last}" if together else name] = None
    return list(patterns)
