"""The part of a study that a recorded table can answer: its space on the values of the table."""

from dataclasses import dataclass, replace

from kwsearch.problems import Problem, accuracy_floor, backbone_for_planning, problem
from kwsearch.settings import StudySettings, as_stored, from_plain, to_plain
from kwsearch.tasks import proxy_facts, recipe_of
from search_spaces import InputError
from search_spaces.choices import FloatRange
from search_spaces.errors import plural
from search_spaces.finite import Snapped, members
from search_spaces.space import Space
from trials.costs import Cost
from trials.fidelity import Ladder
from trials.records import NewStudy
from trials.table import Facts, Table, incompatible
from trials.tasks.classification.identity import ProxyFacts
from trials.tasks.classification.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Recorded(Problem):
    """A problem on a recorded table.

    Attributes:
        space: numbers of its ranges are read as the nearest recorded value.
        seed: of the recorded trainings.
        recorded: digests of the networks of space and budget that the table holds.
        missing: of those that it does not hold.
    """

    space: Snapped
    seed: int
    recorded: frozenset[str]
    missing: frozenset[str]

    def remarks(self) -> list[str]:
        """What a person should know of it, a sentence each."""
        every = len(self.recorded | self.missing)
        said = f"The table holds {len(self.recorded):,} of the {plural(every, 'network')} that "
        said += f"this study reaches, trained from seed {self.seed}."
        own = self.settings.search.seed
        other = [f"It holds none of the study's seed {own}."] if own != self.seed else []
        snapped = [
            f"{name} is read as the nearest of the {plural(len(values), 'recorded value')}."
            for name, values in self.space.listed.items()
        ]
        return [said, *other, *snapped]


def recorded_part(settings: StudySettings, table: Table) -> Recorded:
    """A study on the values of a table.

    Raises:
        InputError: it trains otherwise than the table was recorded, or has nothing in common
            with it.
    """
    backbone = backbone_for_planning(settings)
    asked = problem(settings, backbone)
    _require_same_training(asked, table.facts)
    space = _snapped(asked.space, table.facts)
    seed = settings.search.seed
    if seed not in table.seeds:
        seed = min(table.seeds, default=seed)
    listed = frozenset(one.digest for one in members(space.lists(), asked.limits))
    recorded = frozenset(one.digest for one in table.of_seed(seed)) & listed
    if not recorded:
        raise InputError(
            f"The table holds no network of this study's space and budget ({asked.limits}).",
            "Widen them, or name another table.",
        )
    return Recorded(settings, space, asked.limits, asked.ladder, seed, recorded, listed - recorded)


def new_study(settings: StudySettings, part: Recorded) -> NewStudy:
    """The study as a search would create it, but for its baselines."""
    seed, limits, backbone = settings.search.seed, part.limits, part.space.backbone
    return NewStudy(
        name=settings.name or "simulated",
        settings=to_plain(settings),
        backbone=backbone,
        seed=seed,
        trials=settings.search.trials,
        smallest_params=limits.min_params or part.space.smallest_params(seed),
        reference_params=limits.max_params or part.space.largest(seed),
        reference_accuracy=accuracy_floor(settings, backbone.num_classes),
    )


def _require_same_training(asked: Problem, facts: Facts) -> None:
    if not asked.settings.classifies:
        measure = asked.settings.task.measure or asked.settings.task.kind
        raise InputError(
            f"The study is measured by {measure}; tables are recorded by kwsearch's own training.",
            "Leave [task] out of the study file.",
        )
    if asked.settings.conditions is not None or asked.settings.cost is not Cost.PARAMS:
        raise InputError(
            "Tables are searched for accuracy over parameters; the study asks for "
            f"{'latency' if asked.settings.conditions else 'MACs'}.",
            "Leave [latency], its limits and cost out of the study file.",
        )
    proxy = to_plain(asked.settings)["proxy"]
    recipe = recipe_of(asked.settings, asked.ladder).model_dump(mode="json")
    backbone = asked.space.backbone
    same = _recorded_facts(facts).identity() == _facts_of(asked.settings, asked.ladder).identity()
    different = incompatible(facts, same=same, proxy=proxy, recipe=recipe, backbone=backbone)
    if not same and not different:
        different = ["the identity of the training is another one"]
    if different:
        raise InputError(
            f"The table was recorded by another training: {'; '.join(different)}.",
            "Change the study file, or name another table.",
        )


def _recorded_facts(facts: Facts) -> ProxyFacts:
    """By what the networks of a table were measured; its images by name, as nobody needs them."""
    settings = from_plain(as_stored(facts.study), "the table", stored=True)
    recipe = Recipe(**facts.recipe)
    return replace(_facts_of(settings, Ladder((recipe.epochs,))), recipe=recipe)


def _facts_of(settings: StudySettings, ladder: Ladder) -> ProxyFacts:
    """By what a study would measure, but for what a table has of any kind: seeds and rungs."""
    known = {"images": settings.proxy.data}
    facts = proxy_facts(settings, known, 0, ladder)
    return replace(facts, ladder=Ladder((ladder.top,)), way="any", device="any")


def _snapped(space: Space, facts: Facts) -> Snapped:
    """The space, its ranges snapped to the values that the table was recorded for."""
    if space.granularity != "network":
        raise InputError(
            f"granularity is {space.granularity!r}, but the table's networks have one value of "
            "each ratio.",
            "Set granularity = 'network' in [space].",
        )
    listed: dict[str, tuple[float, ...]] = {}
    for name, choice in space.choices.items():
        if isinstance(choice, FloatRange):
            known = facts.study["space"][name]
            values = known if isinstance(known, list) else [known]
            listed[name] = tuple(one for one in values if choice.low <= one <= choice.high)
            if not listed[name]:
                raise InputError(
                    f"{name} goes from {choice.low:g} to {choice.high:g}; the table was recorded "
                    f"for {', '.join(map(str, values))}.",
                    "Widen the range.",
                )
    return Snapped(space.backbone, space.choices, "network", listed)
