"""Two studies, or two trials, side by side: a row a fact, with the keys ``fact``, ``a``, ``b``."""

from collections.abc import Sequence

from kwsearch.answers import Row
from kwsearch.settings import as_stored
from search_spaces import InputError
from trials.pareto import Front, Point
from trials.records import StudyRecord, TrialRecord
from trials.store import Store

_MARK = ":"


def compare(store: Store, a: str, b: str) -> list[Row]:
    """Compare what ``a`` and ``b`` name: ``study`` or ``study:trial``, both of one kind.

    Raises:
        InputError: no such study or trial, or one is a study and the other a trial.
    """
    if (_MARK in a) != (_MARK in b):
        raise InputError(
            f"{a!r} and {b!r} are not of one kind.",
            "Name two studies, or two trials as in 'first:3 first:7'.",
        )
    if _MARK in a:
        return _trials(a, b, _trial(store, a), _trial(store, b))
    return _studies(store, store.study(a), store.study(b))


def _trial(store: Store, text: str) -> TrialRecord:
    name, _, number = text.partition(_MARK)
    if not number.isdecimal():
        raise InputError(
            f"{number!r} is not the number of a trial.", f"Write it like {name}{_MARK}7."
        )
    return store.trial(name, int(number))


def _trials(a: str, b: str, one: TrialRecord, other: TrialRecord) -> list[Row]:
    facts = [
        ("trial", a, b),
        ("params", one.trial.params, other.trial.params),
        ("macs", one.trial.macs, other.trial.macs),
        ("accuracy", one.accuracy, other.accuracy),
        ("accuracy_error", one.accuracy_error, other.accuracy_error),
        ("epochs", one.epochs, other.epochs),
        ("seconds", one.seconds, other.seconds),
        ("state", one.state.value, other.state.value),
        ("why", one.detail or one.cause, other.detail or other.cause),
        ("digest", one.trial.digest, other.trial.digest),
    ]
    names = dict.fromkeys((*one.values, *other.values))
    facts += [(name, one.values.get(name), other.values.get(name)) for name in names]
    return [{"fact": fact, "a": left, "b": right} for fact, left, right in facts]


def _studies(store: Store, one: StudyRecord, other: StudyRecord) -> list[Row]:
    """Fronts are measured against one another only where both trained alike."""
    pair = (one, other)
    fronts = [_points(store.front(study.name)) for study in pair]
    facts: list[tuple[str, Sequence[object]]] = [
        ("study", [s.name for s in pair]),
        ("backbone", [s.spec.backbone.name for s in pair]),
        ("data", [_proxy(s, "data") for s in pair]),
        ("rungs", [_proxy(s, "epochs") for s in pair]),
        ("trials", [s.finished for s in pair]),
        ("epochs", [s.epochs for s in pair]),
        ("seconds", [round(s.seconds, 3) for s in pair]),
        ("front", [len(front) for front in fronts]),
        ("best_accuracy", [1 - f[-1].error if f else None for f in fronts]),
        ("best_params", [f[-1].params if f else None for f in fronts]),
    ]
    if _alike(one, other):
        corner = (
            max(s.spec.reference_params for s in pair),
            1 - min(s.spec.reference_accuracy for s in pair),
        )
        area = corner[0] * corner[1]
        shares = [Front(corner, front).hypervolume / area for front in fronts]
        beaten = [_beaten(fronts[0], fronts[1]), _beaten(fronts[1], fronts[0])]
        facts += [("hypervolume", shares), ("front_beaten_by_the_other", beaten)]
    return [{"fact": fact, "a": values[0], "b": values[1]} for fact, values in facts]


def _points(records: Sequence[TrialRecord]) -> list[Point]:
    return [Point.of(r.trial.params, r.accuracy or 0.0, r.number) for r in records]


def _proxy(study: StudyRecord, key: str) -> object:
    return study.spec.settings.get("proxy", {}).get(key)


def _alike(one: StudyRecord, other: StudyRecord) -> bool:
    """Whether accuracies of the two are of one kind: same images, same training, same seed."""
    settings = [as_stored(study.spec.settings) for study in (one, other)]
    same = all(settings[0].get(key) == settings[1].get(key) for key in ("proxy", "images"))
    return same and one.spec.backbone.num_classes == other.spec.backbone.num_classes


def _beaten(front: Sequence[Point], by: Sequence[Point]) -> int:
    """Members that one of the others equals in size and error, and beats in one of them."""
    return sum(
        any(
            o.params <= m.params
            and o.error <= m.error
            and (o.params, o.error) != (m.params, m.error)
            for o in by
        )
        for m in front
    )
