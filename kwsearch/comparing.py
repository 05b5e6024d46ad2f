"""Two studies, or two trials, side by side: a row a fact, with the keys ``fact``, ``a``, ``b``."""

from collections.abc import Sequence

from kwsearch.answers import LATENCY, Row, pays, repeated, timed
from kwsearch.seeding import differences, trained_by
from reports.repeated import Mean, front_of
from reports.units import seeds
from search_spaces import InputError
from trials.area import Area, Point, Scale
from trials.costs import Cost, cost_of
from trials.records import StudyRecord, TrialRecord
from trials.store import Store

_MARK = ":"


def compare(store: Store, a: str, b: str, scale: Scale = Scale.LOG) -> list[Row]:
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
    return _studies(store, store.study(a), store.study(b), scale)


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
        *(
            [(key, timed(one.trial).get(key), timed(other.trial).get(key)) for key in LATENCY]
            if one.trial.latency or other.trial.latency
            else []
        ),
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


def _studies(store: Store, one: StudyRecord, other: StudyRecord, scale: Scale) -> list[Row]:
    """Two fronts are measured over one area where at most the seed tells the trainings apart.

    Their members are compared one by one only where nothing does. Size and best member of a front
    are those of means where trials were trained again; hypervolume and members are compared by
    first trainings, which both studies have.
    """
    pair, differing = (one, other), differences(one, other)
    fronts = [_points(store.front(study.name)) for study in pair]
    means = [front_of(repeated(store, study.name)) for study in pair]
    shown = [_means(found) or front for found, front in zip(means, fronts, strict=True)]
    facts: list[tuple[str, Sequence[object]]] = [
        ("study", [s.name for s in pair]),
        ("backbone", [s.spec.backbone.name for s in pair]),
        ("data", [_proxy(s, "data") for s in pair]),
        ("rungs", [_proxy(s, "epochs") for s in pair]),
        ("seed", [s.spec.seed for s in pair]),
        ("training", [trained_by(s) for s in pair]),
        ("trained_differently_in", [", ".join(differing) or "nothing"] * 2),
        ("trials", [s.finished for s in pair]),
        ("epochs", [s.epochs for s in pair]),
        ("seconds", [round(s.seconds, 3) for s in pair]),
        ("front_of", [_front_of(found) for found in means]),
        ("front", [len(front) for front in shown]),
        ("best_accuracy", [1 - f[-1].error if f else None for f in shown]),
        *_costs(pair, shown),
    ]
    facts.append(("pays", [pays(store, s.name)["sentence"] for s in pair]))
    same_cost = len({cost_of(study.spec.settings) for study in pair}) == 1
    if set(differing) <= {"seed"} and same_cost:
        both = Area.around(study.spec.area for study in pair)
        facts.append(("hypervolume", [both.hypervolume(front, scale) for front in fronts]))
    if not differing and same_cost:
        beaten = [_beaten(fronts[0], fronts[1]), _beaten(fronts[1], fronts[0])]
        facts.append(("front_beaten_by_the_other", beaten))
    return [{"fact": fact, "a": values[0], "b": values[1]} for fact, values in facts]


def _costs(
    pair: Sequence[StudyRecord], shown: Sequence[Sequence[Point]]
) -> list[tuple[str, Sequence[object]]]:
    """What the best network of each front costs; latencies in seconds."""
    kinds = [cost_of(study.spec.settings) for study in pair]
    best = [front[-1].cost if front else None for front in shown]
    if set(kinds) == {Cost.PARAMS}:
        return [("best_params", best)]
    in_units = [
        number / 1e9 if number is not None and kind is Cost.LATENCY else number
        for kind, number in zip(kinds, best, strict=True)
    ]
    return [("cost", [kind.value for kind in kinds]), ("best_cost", in_units)]


def _points(records: Sequence[TrialRecord]) -> list[Point]:
    return [Point.of(r.trial.cost, r.accuracy or 0.0, r.number) for r in records]


def _means(found: Sequence[Mean]) -> list[Point]:
    return [Point.of(m.trial.trial.cost, m.accuracy.value, m.number) for m in found]


def _front_of(found: Sequence[Mean]) -> str:
    """What the accuracies of a front are."""
    if not found:
        return "single trainings"
    return f"means over {seeds(len(mean.accuracies) for mean in found)}"


def _proxy(study: StudyRecord, key: str) -> object:
    settings = study.spec.settings
    return (settings.get("proxy") or settings.get("task") or {}).get(key)


def _beaten(front: Sequence[Point], by: Sequence[Point]) -> int:
    """Members that one of the others equals in size and error, and beats in one of them."""
    return sum(
        any(
            o.cost <= m.cost and o.error <= m.error and (o.cost, o.error) != (m.cost, m.error)
            for o in by
        )
        for m in front
    )
