"""What is known already: configurations to begin a study with, measurements not to repeat."""

from collections.abc import Iterable, Iterator, Mapping

from kwsearch.settings import TRAINED_BY, as_stored
from search_spaces import InfeasibleError, InputError, NetworkConfig
from search_spaces.choices import Value
from search_spaces.encoding import encode
from search_spaces.published import KNOWN, published
from search_spaces.space import Space
from trials.evidence import Observation, by_merit
from trials.records import StudyRecord, TrialState
from trials.store import Store
from trials.tasks.classification import VERSION
from trials.tasks.contract import is_same, measure_of, quality_of
from trials.tasks.detection import VERSION as DETECTION_VERSION
from trials.tasks.own import VERSION as OWN_VERSION

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
    for name in KNOWN:
        config = published(name)
        if config.backbone == space.backbone.name:
            yield name, config


def _best(store: Store, study: str) -> Iterator[tuple[str, NetworkConfig]]:
    records = store.trials(study, states=(TrialState.COMPLETE,))
    seen = [Observation(record.trial.cost, record.accuracy or 0.0) for record in records]
    for index in by_merit(seen)[:MOST]:
        yield f"trial {records[index].number}", records[index].trial.config


def alike(study: StudyRecord, others: Iterable[StudyRecord]) -> list[str]:
    """Names of other studies whose trials are trained just as this study's are from now on.

    A trial's seed is made of its study's seed and its network, so the same network is trained
    alike where the tasks of two studies are the same, by the present version of the training.
    """
    return [o.name for o in _trained_alike(study, others) if trained_by(o) == _version(o)]


def remarks(study: StudyRecord, others: Iterable[StudyRecord], *, reuse: bool) -> list[str]:
    """What a person should know of other versions of the training, a sentence each.

    Args:
        study: about to be searched.
        others: all studies of the database.
        reuse: whether measurements of like studies are copied.
    """
    said = []
    now = _version(study)
    if study.finished and trained_by(study) != now:
        said.append(
            f"Study {study.name!r} was begun with version {trained_by(study)} of the training, and "
            f"goes on with version {now}: its trials may differ by that too."
        )
    said += (
        f"Measurements of study {other.name!r} are not copied: they were made by version "
        f"{trained_by(other)} of the training, this is version {now}."
        for other in (_trained_alike(study, others) if reuse else ())
        if other.finished and trained_by(other) != now
    )
    return said


def trained_by(study: StudyRecord) -> int:
    """The version of the training that a study began with; 0 before that was kept."""
    version: int = study.spec.settings.get(TRAINED_BY, 0)
    return version


def _version(study: StudyRecord) -> int:
    """The present version of what trains the trials of a study."""
    settings = study.spec.settings
    if (settings.get("task") or {}).get("kind") == "detection":
        return DETECTION_VERSION
    return VERSION if measure_of(settings) is None else OWN_VERSION


def differences(one: StudyRecord, other: StudyRecord) -> list[str]:
    """What keeps measurements of two studies from being of one kind, as names of settings.

    There is nothing where their tasks have one identity. Studies of before identities were kept are
    told apart by their settings. The seed is one of the names: it says which images are held out,
    and how each network starts.
    """
    same = is_same(one.spec.settings, other.spec.settings)
    if same:
        return []
    a, b = _training(one), _training(other)
    names = [key for key in {**a, **b} if a.get(key) != b.get(key)]
    if same is None or names:
        return names
    own = measure_of(one.spec.settings)
    return ["task.version"] if own else ["device"]  # one that is unset differs from itself


def _trained_alike(study: StudyRecord, others: Iterable[StudyRecord]) -> Iterator[StudyRecord]:
    """Other studies that at most the version of the training tells from this one."""
    return (o for o in others if o.name != study.name and {*differences(study, o)} <= {TRAINED_BY})


def _training(study: StudyRecord) -> dict[str, object]:
    settings = as_stored(study.spec.settings)
    proxy = {
        f"{section}.{key}": value
        for section in ("proxy", "task")
        for key, value in settings.get(section, {}).items()
        if section == "proxy" or value is not None
    }
    rest = {key: settings.get(key) for key in ("images", "start")}
    known = {
        "objective.quality": quality_of(settings),
        "seed": study.spec.seed,
        TRAINED_BY: trained_by(study),
    }
    return known | {"classes": study.spec.backbone.num_classes} | proxy | rest
