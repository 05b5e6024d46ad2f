"""What is known already: configurations to begin a study with, measurements not to repeat."""

from collections.abc import Iterable, Iterator, Mapping

from kwsearch.settings import as_stored
from search_spaces import InfeasibleError, InputError, NetworkConfig
from search_spaces.choices import Value
from search_spaces.encoding import encode
from search_spaces.published import PUBLISHED, published
from search_spaces.space import Space
from trials.evidence import Observation, by_merit
from trials.records import StudyRecord, TrialState
from trials.store import Store

FROM_PUBLISHED = "published"
"""The word for the published networks of a study's backbone."""

MOST = 20
"""Configurations that another study lends, at most."""

Values = Mapping[str, Value]


def seeds(store: Store, space: Space, source: str) -> list[Values]:
    """Values of known networks, to be proposed first.

    Args:
        store: the database.
        space: of the study about to begin.
        source: the name of a study of the database, whose best `MOST` complete trials are taken,
            its front first; or `FROM_PUBLISHED`.

    Raises:
        InputError: there is no such study, or none of its networks is in the space; the cause
            names the first and says why.
    """
    known = _published(space) if source == FROM_PUBLISHED else _best(store, source)
    fitting: list[Values] = []
    refused = f"{source!r} has no network to begin with."
    for name, config in known:
        try:
            fitting.append(encode(space, config))
        except (InputError, InfeasibleError) as error:
            if not fitting:
                refused = f"No network of {source!r} is in the space; {name}: {error.cause}"
    if not fitting:
        raise InputError(refused, "Search without --seed-from, or widen the study file's space.")
    return fitting


def _published(space: Space) -> Iterator[tuple[str, NetworkConfig]]:
    for name in PUBLISHED:
        config = published(name)
        if config.backbone == space.backbone.name:
            yield name, config


def _best(store: Store, study: str) -> Iterator[tuple[str, NetworkConfig]]:
    records = store.trials(study, states=(TrialState.COMPLETE,))
    seen = [Observation(record.trial.params, record.accuracy or 0.0) for record in records]
    for place in by_merit(seen)[:MOST]:
        yield f"trial {records[place].number}", records[place].trial.config


def alike(study: StudyRecord, others: Iterable[StudyRecord]) -> list[str]:
    """Names of other studies whose trials are trained just as this study's are.

    A trial's seed is made of its study's seed and its network, so the same network is trained
    alike where seed, images and every setting of the proxy are the same.
    """
    return [
        other.name
        for other in others
        if other.name != study.name and _training(other) == _training(study)
    ]


def _training(study: StudyRecord) -> tuple[object, ...]:
    settings = as_stored(study.spec.settings)
    return study.spec.seed, *(settings.get(key) for key in ("proxy", "images", "start"))
