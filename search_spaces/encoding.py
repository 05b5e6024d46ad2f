"""From a configuration back to a point of a space: the inverse of `Space.decode`."""

from collections.abc import Iterator, Mapping

from search_spaces.choices import Choice, FloatRange, Value
from search_spaces.config import RATIOS, NetworkConfig
from search_spaces.errors import InputError
from search_spaces.space import Space
from search_spaces.warehouse import plan_network


def encode(space: Space, config: NetworkConfig) -> dict[str, Value]:
    """Values for which the space decodes to the network of a configuration.

    The configuration may be of the same backbone with other classes or channels. What it says of
    settings that the space leaves alone must come to the same network: digests are compared.

    Raises:
        InputError: the space has no such network; the cause says why.
        InfeasibleError: the configuration cannot be built on the space's backbone.
    """
    backbone = space.backbone
    ours = {
        "backbone": backbone.name,
        "num_classes": backbone.num_classes,
        "in_channels": backbone.in_channels,
    }
    wanted = plan_network(config.model_copy(update=ours), backbone).digest
    ratios = dict(_ratios(space, config))
    for values in _with_sharing(space, ratios):
        if plan_network(space.decode(values), backbone).digest == wanted:
            return values
    raise InputError(
        "It shares cells, or fixes a setting, in a way that the space does not reach.",
        "Widen the choices of the space.",
    )


def _ratios(space: Space, config: NetworkConfig) -> Iterator[tuple[str, Value]]:
    stages = space.backbone.stages
    for name, choice in space.dimensions.items():
        setting, _, stage = name.partition(".")
        if setting not in RATIOS:
            if setting != "sharing_range":
                yield name, _taken(name, choice, getattr(config, setting))
            continue
        ratio = getattr(config, setting)
        if isinstance(ratio, tuple):
            if config.granularity != "stage" or not stage:
                raise InputError(
                    f"Its {setting} has one value a {config.granularity}, the space's has not."
                )
            ratio = ratio[stages.index(stage)]
        yield name, _taken(name, choice, ratio)


def _taken(name: str, choice: Choice, value: Value) -> Value:
    if isinstance(choice, FloatRange):
        if not choice.low <= float(value) <= choice.high:
            raise InputError(f"Its {name} of {value} is not from {choice.low} to {choice.high}.")
        return value
    for option in choice:
        if option == value:
            return option
    raise InputError(f"Its {name} of {value} is not one of {list(choice)}.")


def _with_sharing(space: Space, ratios: Mapping[str, Value]) -> Iterator[dict[str, Value]]:
    """The values with each sharing range in turn, as several may come to the same network."""
    choice = space.dimensions.get("sharing_range")
    if choice is None or isinstance(choice, FloatRange):
        yield dict(ratios)
        return
    for option in choice:
        yield {**ratios, "sharing_range": option}
