"""What people ask of a study, as plain rows: dictionaries with the same keys for table, JSON, CSV.

Everything is read from the database, and nothing here trains or loads torch.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from math import inf
from typing import Any, TypedDict

from kwsearch.quantities import parse_duration, parse_quantity, parse_share
from kwsearch.rows import (
    BaselineRow,
    BestRow,
    CurveRow,
    FrontRow,
    Gained,
    ReportedRow,
    ShownTrial,
    Timed,
    Trained,
    TrialRow,
)
from reports import sentences
from reports.pays import Payoff, gain_over_plain, payoff
from reports.repeated import Mean, fallen, front_of, means
from search_spaces import InputError
from search_spaces.latency import milliseconds
from trials.area import Point, Scale
from trials.costs import Cost, cost_of
from trials.records import BaselineRecord, Job, Role, StudyRecord, TrialRecord, TrialState
from trials.store import Store
from trials.tasks.contract import in_words, quality_of, values_by_name

Row = dict[str, Any]
"""What has no fixed keys, or parts that others describe."""

LATENCY = tuple(Timed.__annotations__)
"""Keys of what was measured of a latency."""

_ROUNDING = 1e-12


class Limits(TypedDict):
    """What a front is limited to; None is no limit."""

    max_params: int | None
    max_macs: int | None
    max_latency: float | None
    min_accuracy: float | None


def limits_of(
    max_params: int | str | None = None,
    max_macs: int | str | None = None,
    min_accuracy: float | str | None = None,
    max_latency: float | str | None = None,
) -> Limits:
    """Read limits as people write them: ``"300k"``, ``"20M"``, ``"65%"``, ``"20ms"``.

    Raises:
        InputError: one cannot be read.
    """
    return {
        "max_params": None if max_params is None else parse_quantity(max_params),
        "max_macs": None if max_macs is None else parse_quantity(max_macs),
        "max_latency": None if max_latency is None else parse_duration(max_latency),
        "min_accuracy": None if min_accuracy is None else parse_share(min_accuracy),
    }


def trial_row(record: TrialRecord) -> TrialRow:
    """A trial for tables, JSON and CSV."""
    return {
        "trial": record.number,
        "params": record.trial.params,
        "macs": record.trial.macs,
        **timed(record.trial),
        "accuracy": record.accuracy,
        "accuracy_error": record.accuracy_error,
        "loss": record.loss,
        "epochs": record.epochs,
        "state": record.state.value,
        "seconds": round(record.seconds, 3),
        "digest": record.trial.digest,
        "config": record.trial.config.model_dump(mode="json"),
    }


def timed(job: Job) -> Timed:
    """What was measured of a latency; no keys where nothing was."""
    took = job.latency
    if took is None:
        return {}
    return {
        "latency": took.median,
        "latency_low": took.low,
        "latency_high": took.high,
        "hardware": took.hardware,
    }


def show(store: Store, name: str, number: int) -> ShownTrial:
    """A trial with its curve, why it ended as it did, and who beats it.

    A trial is beaten by the members of the front that are no larger and no less accurate, by its
    last accuracy: a trial that was stopped was trained for less.
    """
    record = store.trial(name, number)
    members = store.front(name, min_accuracy=record.accuracy)
    others = [
        m
        for m in members
        if m.number != number and m.trial.cost <= record.trial.cost and record.accuracy is not None
    ]
    return {
        **trial_row(record),
        "on_front": any(member.number == number for member in members),
        "cause": record.cause,
        "detail": record.detail,
        "attempt": record.trial.attempt,
        "seed": record.trial.seed,
        "worker": record.worker,
        "started_at": record.started_at.isoformat(),
        "finished_at": record.finished_at.isoformat() if record.finished_at else None,
        "values": dict(record.values),
        "full_trainings": [
            {**asdict(t), "finished_at": t.finished_at.isoformat() if t.finished_at else None}
            for t in store.trainings(name, number)
        ],
        "measurements": [*_curve(store, name, number)],
        "reported": _reported(store, name, number),
        "beaten_by": [
            {
                "trial": m.number,
                "params": m.trial.params,
                **timed(m.trial),
                "accuracy": m.accuracy,
            }
            for m in others
        ],
    }


def _curve(store: Store, name: str, number: int) -> Iterator[CurveRow]:
    """Measurements of a trial, each with what promotion decided on it, and why."""
    decisions = store.decisions(name, number)
    for _, measured in store.measurements(name, number):
        made = decisions.get(measured.epoch)
        yield {
            "epoch": measured.epoch,
            "accuracy": measured.accuracy,
            "accuracy_error": measured.accuracy_error,
            "loss": measured.loss,
            "images": measured.images,
            "seconds": measured.seconds,
            "goes_on": None if made is None else made.goes_on,
            "reason": None if made is None else made.reason,
        }


def _reported(store: Store, name: str, number: int) -> list[ReportedRow]:
    """All that was reported of a trial: an epoch after the other, the study's quality first."""
    quality = quality_of(store.study(name).spec.settings)
    return [
        {"epoch": measured.epoch, "name": value_name, "value": value, "error": error}
        for _, measured in store.measurements(name, number)
        for value_name, (value, error) in values_by_name(quality, measured).items()
    ]


def study_row(study: StudyRecord) -> Row:
    """A study in one line; hypervolume is a share of the area over log-parameters."""
    return {
        "study": study.name,
        "backbone": study.spec.backbone.name,
        "trials": study.spec.trials,
        **{state.value: n for state, n in study.states.items()},
        "refused": sum(study.refused.values()),
        "epochs": study.epochs,
        "seconds": round(study.seconds, 3),
        "hypervolume": study.hypervolume,
        "created_at": study.created_at.isoformat(),
    }


def status(store: Store, name: str, scale: Scale = Scale.LOG) -> Row:
    """How a study stands, with its hypervolume over sizes of that scale.

    Hypervolume is that of first trainings; the front is that of means where there are any.
    """
    study, baselines = store.study(name), store.baselines(name)
    first, found = store.front(name), repeated(store, name)
    front = [mean.record for mean in front_of(found)] if found else first
    best = front[-1] if front else None
    return {
        **study_row(study),
        "images": study.spec.settings.get("read"),
        "hypervolume": study.hypervolume if scale is Scale.LOG else _linear(study, first),
        "seed": study.spec.seed,
        "refused": {reason.value: n for reason, n in study.refused.items()},
        "reference": _reference(study),
        "front": len(front),
        "best_accuracy": best.accuracy if best else None,
        "best_params": best.trial.params if best else None,
        **({} if best is None else timed(best.trial)),
        "baselines": dict(
            Counter(one.state.value for one in baselines if one.baseline.role is not Role.AUDIT)
        ),
        "repeats": repeats(store, name)["sentence"],
        "audit": _audited(store, name, baselines),
        "pays": sentences.facts(_payoff(study, first, baselines, found)),
    }


def _reference(study: StudyRecord) -> Row:
    """What hypervolume is measured between; latencies in seconds."""
    kind, spec = cost_of(study.spec.settings), study.spec
    low: float = spec.smallest_params
    high: float = spec.reference_params
    if kind is Cost.LATENCY:
        low, high = low / 1e9, high / 1e9
    return {
        f"smallest_{kind.value}": low,
        kind.value: high,
        "accuracy": spec.reference_accuracy,
    }


def _audited(store: Store, name: str, baselines: Sequence[BaselineRecord]) -> str | None:
    """How far the proxy is to be believed; None, and nothing loaded, where there is no audit."""
    if not any(one.baseline.role is Role.AUDIT for one in baselines):
        return None
    from kwsearch.audited import audit  # noqa: PLC0415 - loads numpy and scipy

    told: str = audit(store, name)["sentence"]
    return told


def _linear(study: StudyRecord, front: Iterable[TrialRecord]) -> float:
    points = [Point.of(m.trial.cost, m.accuracy or 0.0, m.number) for m in front]
    return study.spec.area.hypervolume(points, Scale.LINEAR)


def pays(store: Store, name: str) -> Row:
    """Whether KernelWarehouse pays in a study; see `reports.pays`."""
    study = store.study(name)
    found = _payoff(study, store.front(name), store.baselines(name), repeated(store, name))
    return sentences.facts(found)


def _payoff(
    study: StudyRecord,
    front: Sequence[TrialRecord],
    baselines: Sequence[BaselineRecord],
    found: Sequence[Mean],
) -> Payoff:
    settings = study.spec.settings
    measure = in_words(quality_of(settings))
    return payoff(front, baselines, found, cost_of(settings), measure)


def baseline_row(record: BaselineRecord) -> BaselineRow:
    """A baseline for tables, JSON and CSV."""
    baseline = record.baseline
    return {
        "baseline": record.number,
        "network": baseline.network,
        "role": baseline.role.value,
        "params": baseline.params,
        "macs": baseline.macs,
        **timed(baseline),
        "seed": baseline.seed,
        "accuracy": record.accuracy,
        "accuracy_error": record.accuracy_error,
        "loss": record.loss,
        "epochs": record.epochs,
        "state": record.state.value,
        "cause": record.cause,
        "detail": record.detail,
        "seconds": round(record.seconds, 3),
    }


def front(
    store: Store,
    name: str,
    *,
    limits: Limits,
    only_knee: bool = False,
) -> list[FrontRow]:
    """The front of a study by ascending parameters, or the part of it inside the limits.

    Args:
        store: the database.
        name: of the study.
        limits: see `limits_of`.
        only_knee: keep the one member where more parameters stop paying, see
            `trials.pareto.knee`.
    """
    found = {mean.number: mean for mean in repeated(store, name)}
    members = front_records(store, name, limits, [*found.values()])
    if only_knee:
        from trials.pareto import knee  # noqa: PLC0415 - numpy, which only a knee needs

        bend = knee([Point.of(m.trial.cost, m.accuracy or 0.0, m.number) for m in members])
        members = [m for m in members if bend is not None and m.number == bend.number]
    return _rows(store, name, members, found)


def front_records(
    store: Store, name: str, limits: Limits, found: Sequence[Mean]
) -> list[TrialRecord]:
    """The front inside the limits; of means, with mean accuracies, where there are any."""
    if found:
        return [mean.record for mean in _means_inside(found, limits)]
    return store.front(name, **limits)


def _means_inside(found: Sequence[Mean], limits: Limits) -> list[Mean]:
    """The front of means inside the limits."""
    front = front_of([mean for mean in found if _small_enough(mean, limits)])
    least = limits["min_accuracy"] or 0.0
    return [mean for mean in front if mean.accuracy.value >= least]


def _small_enough(mean: Mean, limits: Limits) -> bool:
    trial = mean.trial.trial
    latency = inf if trial.latency is None else trial.latency.median
    sizes = (
        (trial.params, limits["max_params"]),
        (trial.macs, limits["max_macs"]),
        (latency, limits["max_latency"]),
    )
    return all(limit is None or size <= limit for size, limit in sizes)


def _trained(mean: Mean | None) -> Trained:
    """From how many seeds a trial was trained; the interval is known of several alone."""
    if mean is None:
        return {"seeds": 1, "accuracy_low": None, "accuracy_high": None}
    _, low, high = mean.accuracy
    return {"seeds": len(mean.accuracies), "accuracy_low": low, "accuracy_high": high}


def repeated(store: Store, name: str) -> list[Mean]:
    """Trials of a study that were trained from several seeds; see `reports.repeated`."""
    baselines = store.baselines(name)
    if not any(one.baseline.role is Role.REPEAT for one in baselines):
        return []
    return means(store.trials(name, states=(TrialState.COMPLETE,)), baselines)


def repeats(store: Store, name: str) -> Row:
    """What trainings from further seeds did to the front."""
    found, front = repeated(store, name), store.front(name)
    return {
        "trials": [
            {"trial": mean.number, "accuracies": [*mean.accuracies], **_trained(mean)}
            for mean in found
        ],
        "fallen": fallen(front, found),
        "sentence": sentences.repeats(front, found, store.baselines(name)),
    }


def row_of(store: Store, name: str, trained: TrialRecord | Mean) -> BestRow:
    """A row of `front`: a trial by its own training, or by its mean over several seeds.

    ``reported`` is what its own training reported last.
    """
    record = trained.record if isinstance(trained, Mean) else trained
    found = {mean.number: mean for mean in repeated(store, name)}
    reported = _reported(store, name, record.number)
    last = [one for one in reported if one["epoch"] == record.epochs]
    return {**_rows(store, name, [record], found)[0], "reported": last}


def surest(store: Store, name: str, limits: Limits) -> Mean:
    """Of trials trained from several seeds, the one with the highest lower end of its interval.

    Raises:
        InputError: there is none inside the limits.
    """
    inside = [mean for mean in repeated(store, name) if _small_enough(mean, limits)]
    if not inside:
        raise InputError(
            f"No trial of study {name!r}{_bounds(limits)} was trained from several seeds.",
            "Set repeats under [search] in the file of a new study, or choose by one training.",
        )
    return max(inside, key=lambda mean: (mean.accuracy.low or 0.0, -mean.trial.trial.cost))


def _rows(
    store: Store, name: str, members: Sequence[TrialRecord], found: Mapping[int, Mean]
) -> list[FrontRow]:
    """Trials beside the plain backbone, ``of_plain`` and ``gain``, and by how many trainings."""
    paying = payoff(members, store.baselines(name), [*found.values()])
    return [
        {
            **trial_row(member),
            **_gained(member, paying, found.get(member.number)),
            **_trained(found.get(member.number)),
        }
        for member in members
    ]


def _gained(member: TrialRecord, paying: Payoff, mean: Mean | None) -> Gained:
    """None where the plain backbone is not measured."""
    trainings = 1 if mean is None else len(mean.accuracies)
    plain = paying.plain
    gain = gain_over_plain(paying, member.accuracy or 0.0, trainings)
    low, high = (None, None) if gain is None else (gain.low, gain.high)
    return {
        "of_plain": None if plain is None else member.trial.cost / plain.cost,
        "gain": None if gain is None else gain.value,
        "gain_low": low,
        "gain_high": high,
    }


def best(store: Store, name: str, limits: Limits, within: float = 0.0) -> TrialRecord | Mean:
    """The smallest complete trial about as accurate as the most accurate one inside the limits.

    A trial that no smaller one equals is on the front, so the front is looked through: that of
    means where trials were trained again.

    Args:
        store: the database.
        name: of the study.
        limits: see `limits_of`.
        within: how much less accurate it may be, as a share of the images: 0.005 for half a
            percentage point.

    Raises:
        InputError: no complete trial is inside.
    """
    found = repeated(store, name)
    members = _means_inside(found, limits) if found else store.front(name, **limits)
    if not members:
        raise InputError(
            f"Study {name!r} has no complete trial{_bounds(limits)}.",
            f"Look at 'kwsearch front {name}', or go on with 'kwsearch resume {name}'.",
        )
    least = _accuracy(members[-1]) - within - _ROUNDING
    return next(member for member in members if _accuracy(member) >= least)


def _accuracy(trained: TrialRecord | Mean) -> float:
    return trained.accuracy.value if isinstance(trained, Mean) else trained.accuracy or 0.0


def best_below(store: Store, name: str, most: int) -> TrialRecord | None:
    """As `best`, with at most so many parameters; None where no complete trial is so small."""
    found = repeated(store, name)
    if not found:
        return store.best(name, most)
    inside = _means_inside(found, {**limits_of(), "max_params": most})
    return record_of(inside[-1]) if inside else None


def record_of(chosen: TrialRecord | Mean) -> TrialRecord:
    """The trial as the database has it, with what its own training reached."""
    return chosen.trial if isinstance(chosen, Mean) else chosen


def _bounds(limits: Limits) -> str:
    """The limits on sizes, in words; empty if there are none."""
    nouns = ((limits["max_params"], "parameters"), (limits["max_macs"], "MACs"))
    bounds = [f"{limit:,} {noun}" for limit, noun in nouns if limit is not None]
    if limits["max_latency"] is not None:
        bounds.append(f"{milliseconds(limits['max_latency'])} of latency")
    return f" with at most {' and '.join(bounds)}" if bounds else ""
