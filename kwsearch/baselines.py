"""Which plain networks a study measures: its backbone, narrower and wider ones, or those named.

Torch is loaded for the table of a network that a person names, and for nothing else.
"""

from collections.abc import Callable, Iterator
from itertools import takewhile

from kwsearch.problems import Problem, named_table
from kwsearch.sections import SCRATCH
from search_spaces import Backbone
from search_spaces.backbones import CIFAR_WIDTH, cifar_shape, shipped
from trials.records import Baseline, Role

_WIDEST = 1.5
"""The widest network inside the budget is measured too where it has so many times the parameters of
the last that was doubled."""

_STEPS = 8
"""Steps from the last that was doubled to the next, of which the widest one is one."""

_SEEDS = 2**32


def planned(asked: Problem, study: str, table: Backbone) -> list[Baseline]:
    """The baselines of a new study, numbered in the order in which they are measured.

    Args:
        asked: the study's problem.
        study: its name.
        table: its backbone.

    Raises:
        InputError: a network that is named cannot be made, or does not fit the images.
        InfeasibleError: it has no layer that a warehouse could serve.
    """
    settings, seed = asked.settings.baselines, asked.settings.search.seed
    if not settings.seeds:
        return []
    wanted = [(Role.PLAIN, table)]
    if settings.networks is not None:
        wanted += [(Role.NAMED, _table(name, table)) for name in settings.networks]
    elif asked.settings.start == SCRATCH:  # there is no trained network of another width
        wanted += [(Role.WIDTH, one) for one in widths(asked, table)]
    trainings: dict[tuple[str, int], tuple[Role, Backbone, int]] = {}
    for role, one in wanted:
        for nth in range(settings.seeds):
            from_seed = (seed + nth) % _SEEDS
            trainings.setdefault((one.digest, from_seed), (role, one, from_seed))
    return [
        Baseline(study, number, role, one, one.params, one.macs, from_seed)
        for number, (role, one, from_seed) in enumerate(trainings.values())
    ]


def widths(asked: Problem, table: Backbone) -> list[Backbone]:
    """Narrower and wider networks of a CIFAR ResNet's kind, by ascending parameters.

    The width is halved as long as the network stays larger than half of the smallest one that is
    searched, and doubled as long as it is inside the budget; then there is the widest one inside.
    Networks of other kinds have none.
    """
    shape = cifar_shape(table.name)
    if shape is None or ":" in table.name:
        return []
    depth, own = shape
    limits, seed = asked.limits, asked.settings.search.seed
    least = limits.min_params or asked.space.smallest_params(seed)
    most = limits.max_params or asked.space.largest(seed)

    def network(width: float) -> Backbone:
        name = (
            f"resnet{depth}" if width == CIFAR_WIDTH else f"resnet{depth}x{width / CIFAR_WIDTH:g}"
        )
        return _table(name, table)

    def inside(one: Backbone) -> bool:
        return one.params <= most and (limits.max_macs is None or one.macs <= limits.max_macs)

    narrower = takewhile(lambda one: 2 * one.params > least, _by(network, own, 0.5))
    wider = [*takewhile(inside, _by(network, own, 2))]
    last = wider[-1] if wider else table
    between = (own * 2 ** len(wider) * (1 + part / _STEPS) for part in range(_STEPS - 1, 0, -1))
    whole = (network(width) for width in between if width == int(width))
    widest = next((one for one in whole if inside(one)), None)
    if widest is not None and inside(last) and widest.params > _WIDEST * last.params:
        wider.append(widest)
    return [*reversed([*filter(inside, narrower)]), *wider]


def _by(network: Callable[[float], Backbone], width: float, factor: float) -> Iterator[Backbone]:
    """Networks of ever smaller or larger whole widths."""
    while (width := width * factor) == int(width) and width:
        yield network(width)


def _table(name: str, like: Backbone) -> Backbone:
    """The table of a network for the images that ``like`` is for."""
    classes, channels, size = like.num_classes, like.in_channels, like.input_size
    if ":" in name:
        return named_table(name, classes, channels, size[0])
    return shipped(name, classes, channels, size)
