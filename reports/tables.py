"""The words and tables of a report, as plain values made from a `Summary`."""

from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any

from reports import sentences
from reports.audit import sentence as audit_sentence
from reports.audit import told
from reports.figures.agreement import Agreement, AgreementInfo, band_ends
from reports.figures.choices import ChoicesInfo
from reports.summary import Summary
from reports.units import brief, duration, percent, plural
from search_spaces.choices import FloatRange
from trials.area import Scale
from trials.costs import Cost
from trials.records import TrialRecord, TrialState
from trials.tasks.contract import measure_of, quality_of

Facts = list[tuple[str, str]]
"""Labels and values, for people."""

_USUAL = "runs/kwsearch.db"
_DIGEST = 12


def headline(summary: Summary) -> str:
    """What was found, in a sentence or two."""
    study = summary.study
    tried = plural(len(summary.trials), "network")
    if not summary.front:
        return f"No trial has reached the top rung yet; {tried} tried so far."
    best = summary.front[-1]
    text = (
        f"The best of {tried} reaches {percent(best.accuracy or 0.0, best.accuracy_error)} "
        f"{summary.quality}{_over(summary, best)} with {_cost(summary, best)}, after a proxy "
        f"training of {plural(best.epochs, 'epoch')}."
    )
    if study.finished < study.spec.trials:
        text += (
            f" The search is not over: {study.finished:,} of {plural(study.spec.trials, 'trial')}."
        )
    return text


def _over(summary: Summary, best: TrialRecord) -> str:
    """Of a mean, over how many seeds it is."""
    mean = summary.means.get(best.number)
    return "" if mean is None else f" in the mean over {plural(len(mean.accuracies), 'seed')}"


def pays(summary: Summary) -> str:
    """Whether KernelWarehouse pays, in a sentence."""
    return sentences.pays(summary.payoff)


def repeats(summary: Summary) -> str | None:
    """What trainings from further seeds did to the front; None where there are none."""
    found = [*summary.means.values()]
    return sentences.repeats(summary.first_front, found, summary.baselines)


def progress(summary: Summary) -> str:
    """How far the search is, in a few words."""
    study = summary.study
    words = [f"{study.finished:,} of {plural(study.spec.trials, 'trial')} finished"]
    running = study.states.get(TrialState.RUNNING, 0)
    if running:
        words.append(f"{running:,} running")
    return ", ".join(words)


def tiles(summary: Summary) -> list[tuple[str, str, str]]:
    """Label, number and small print of what one wants to know first."""
    study, front = summary.study, summary.front
    best = front[-1] if front else None
    kind = summary.kind
    sizes = [brief(m.trial.cost, kind) for m in (*front[:1], *front[-1:])]
    noun = "" if kind is Cost.LATENCY else f" {kind.noun}"
    stopped = study.states.get(TrialState.STOPPED, 0)
    return [
        (
            f"Best {summary.measure}",
            percent(best.accuracy or 0.0) if best else "none yet",
            f"± {100 * (best.accuracy_error or 0):.1f} % standard error" if best else "",
        ),
        (
            "On the front",
            f"{len(front):,}",
            f"{sizes[0]} to {sizes[-1]}{noun}" if sizes else "",
        ),
        ("Trials", f"{len(summary.trials):,}", f"{stopped:,} stopped early"),
        (
            "Hypervolume",
            percent(summary.hypervolume(summary.fronts[-1]) if summary.fronts else 0.0),
            f"of the area {_sizes(summary)}",
        ),
        ("Training", duration(study.seconds), plural(study.epochs, "epoch")),
    ]


def hypervolume(summary: Summary) -> str:
    """What the number is, in a sentence."""
    noun = summary.kind.noun
    means = {
        Scale.LOG: f"the mean height of the front over the logarithm of {noun}",
        Scale.LINEAR: f"the area under the front, as a share of all of it, over {noun}",
    }
    floor = percent(summary.study.spec.reference_accuracy)
    return (
        f"Hypervolume is {means[summary.scale]} {_sizes(summary)}; the height is 0 at {floor} "
        f"{summary.measure} and 1 at 100 %."
        + (" It is that of first trainings, also where means are shown." if summary.means else "")
    )


def _sizes(summary: Summary) -> str:
    spec, kind = summary.study.spec, summary.kind
    low, high = brief(spec.smallest_params, kind), brief(spec.reference_params, kind)
    return f"up to {high}" if summary.scale is Scale.LINEAR else f"from {low} to {high}"


def searched(summary: Summary) -> Facts:
    """What was searched and on what."""
    settings, spec = summary.settings, summary.study.spec
    backbone = spec.backbone
    proxy, search = settings.get("proxy", {}), settings.get("search", {})
    height, width = backbone.input_size
    task = settings.get("task") or {}
    measure = measure_of(settings)
    data = measure or task.get("data") or proxy.get("data", "unknown")
    images = f"{data}, {height} by {width} pixels"
    channels = plural(backbone.in_channels, "channel")
    dimensions = [(name, _choice(choice)) for name, choice in summary.dimensions.items()]
    return [
        ("Backbone", f"{backbone.name}, plain {backbone.params:,} parameters"),
        (
            "Measure" if measure else "Images",
            f"{images}, {channels}, {plural(backbone.num_classes, 'class', 'classes')}",
        ),
        ("Compared by", f"{summary.measure} ({quality_of(settings)}) against {summary.kind.noun}"),
        ("Budget", _budget(settings.get("budget", {}))),
        *latency(summary),
        (
            "Rungs",
            ", ".join(map(str, task.get("epochs") or proxy.get("epochs", summary.rungs)))
            + " epochs",
        ),
        ("Sampler", f"{search.get('sampler', 'unknown')}, seed {spec.seed}"),
        *dimensions,
    ]


def _choice(choice: object) -> str:
    if isinstance(choice, FloatRange):
        return f"{choice.low:g} to {choice.high:g}" + (", logarithmic" if choice.log else "")
    return ", ".join(map(str, getattr(choice, "values", ())))


def _budget(budget: Mapping[str, Any]) -> str:
    limits = [
        f"{word} {budget[key]:,} {noun}"
        for noun, key, word in (
            ("parameters", "min_params", "at least"),
            ("parameters", "max_params", "at most"),
            ("MACs", "min_macs", "at least"),
            ("MACs", "max_macs", "at most"),
        )
        if budget.get(key)
    ]
    limits += [
        f"{word} {budget[key]} of latency"
        for key, word in (("min_latency", "at least"), ("max_latency", "at most"))
        if budget.get(key)
    ]
    return ", ".join(limits) or "none"


def latency(summary: Summary) -> Facts:
    """How latencies were measured; empty where none was."""
    took = next((t.trial.latency for t in summary.trials if t.trial.latency is not None), None)
    if took is None:
        return []
    asked = summary.settings.get("latency") or {}
    batch, threads = asked.get("batch", 1), asked.get("threads", 1)
    how = f"{asked.get('runtime') or 'torch'}, {plural(threads, 'thread')}, batch of {batch:,}"
    return [("Latency", f"on {took.hardware}, {how}, warm: median of the quietest runs")]


def _cost(summary: Summary, best: TrialRecord) -> str:
    """What the best network costs, in words."""
    backbone = summary.study.spec.backbone
    relative = f"{best.trial.params / backbone.params:.2f} times plain {backbone.name}"
    if summary.kind is Cost.PARAMS:
        return f"{best.trial.params:,} parameters, {relative}"
    cost = summary.kind.told(best.trial.cost)
    return f"{cost} and {best.trial.params:,} parameters, {relative}"


def costs(summary: Summary) -> list[tuple[str, str, str, str]]:
    """State, trials, epochs and time."""
    rows = [
        (state.value, f"{cost.trials:,}", f"{cost.epochs:,}", duration(cost.seconds))
        for state, cost in summary.cost.items()
    ]
    study = summary.study
    whole = ("all", f"{len(summary.trials):,}", f"{study.epochs:,}", duration(study.seconds))
    return [*rows, whole]


def saved(summary: Summary) -> str:
    """What stopping early spared."""
    top = max(summary.rungs, default=0)
    whole = top * sum(cost.trials for state, cost in summary.cost.items() if state.final)
    spent = sum(cost.epochs for state, cost in summary.cost.items() if state.final)
    if not whole:
        return "No trial has ended yet."
    return (
        f"Trained to the top rung, the same trials would have taken {plural(whole, 'epoch')}; "
        f"they took {spent:,}, {percent(spent / whole)}."
    )


def refusals(summary: Summary) -> str:
    """Proposals that cost nothing."""
    words = [
        f"{n:,} {why.value.replace('_', ' ')}" for why, n in summary.study.refused.items() if n
    ]
    total = sum(summary.study.refused.values())
    reasons = f" ({', '.join(words)})" if words else ""
    return f"{plural(total, 'proposal')}{reasons} turned down before any training."


def audit(summary: Summary) -> str:
    """How far the proxy is to be believed, in a few sentences."""
    return "" if summary.audit is None else audit_sentence(summary.audit)


def audited_rungs(summary: Summary) -> list[int]:
    """Epochs of the proxy that audited networks are compared at."""
    found = summary.audit
    return [] if found is None else list(dict.fromkeys(tau.rung for tau in found.taus))


def audited(summary: Summary) -> Iterator[list[str]]:
    """A line an audited network, small networks first."""
    found, rungs = summary.audit, audited_rungs(summary)
    for one in () if found is None else found.networks:
        reached = (percent(one.rungs[rung]) if rung in one.rungs else "" for rung in rungs)
        yield [
            f"{one.trial}",
            summary.kind.told(one.cost).removesuffix(f" {summary.kind.noun}"),
            *reached,
            percent(one.long, one.error),
            "yes" if one.on_front else "",
            "yes" if one.on_long_front else "",
            "" if one.stopped is None else f"{one.stopped}",
        ]


def audited_taus(summary: Summary) -> Iterator[tuple[str, list[str]]]:
    """A line a group of pairs; a cell a rung: tau with its interval, and how many networks."""
    found = summary.audit
    bands = [f"band {band}" for band in range(summary.halving.bands)]
    for group in () if found is None else ("all", "same band", *bands):
        own = [tau for tau in found.taus if tau.group == group] if found else []
        if any(tau.value is not None for tau in own):
            yield (
                _group(group, summary),
                [f"{told(tau, brief=True)}, n = {tau.networks}" for tau in own],
            )


def _group(group: str, summary: Summary) -> str:
    if not group.startswith("band "):
        return "all sizes" if group == "all" else "like size"
    low, high = band_ends(summary.halving)[int(group.removeprefix("band "))]
    noun = "" if summary.kind is Cost.LATENCY else f" {summary.kind.noun}"
    return f"{brief(low, summary.kind)} to {brief(high, summary.kind)}{noun}"


def taus(info: AgreementInfo) -> Iterator[tuple[str, list[str]]]:
    """A line for all sizes and one a size band; a cell a lower rung: tau and trials."""
    rungs = sorted({row.rung for row in info.rows})
    for band in (None, *range(len(info.bands))):
        rows = {row.rung: row for row in info.rows if row.band == band}
        ends = (0, 0) if band is None else info.bands[band]
        name = (
            "All sizes"
            if band is None
            else f"{brief(ends[0], info.kind)} to {brief(ends[1], info.kind)}"
        )
        cells = (rows[rung] for rung in rungs)
        yield (
            name,
            [f"{_tau(cell)} (n = {cell.trials:,})" for cell in cells],
        )


def _tau(cell: Agreement) -> str:
    if cell.alike:
        return "within errors"
    return "none" if cell.tau is None else f"{cell.tau:+.2f}"


def matrix(info: ChoicesInfo) -> list[tuple[str, list[tuple[str, int]]]]:
    """Setting by member of the front: value, and how far (0 to 100) it is along its choice."""
    return [
        (
            place.name,
            [
                (f"{value:.3g}" if isinstance(value, float) else str(value), round(100 * position))
                for value, position in zip(place.values, place.positions, strict=True)
            ],
        )
        for place in info.places
    ]


def columns(summary: Summary) -> dict[str, Any]:
    """All trials, a list a column: the shortest form that a page can hold."""
    trials, states = [summary.shown(t) for t in summary.trials], list(TrialState)
    return {
        "params": [t.trial.params for t in trials],
        "macs": [t.trial.macs for t in trials],
        **({"latency": [_milliseconds(t) for t in trials]} if summary.has_latency else {}),
        "accuracy": [_short(t.accuracy) for t in trials],
        "error": [_short(t.accuracy_error) for t in trials],
        "epochs": [t.epochs for t in trials],
        "seconds": [round(t.seconds, 1) for t in trials],
        "state": [states.index(t.state) for t in trials],
        "cause": [t.cause for t in trials],
        "detail": [t.detail for t in trials],
        "digest": [t.trial.digest[:_DIGEST] for t in trials],
        "reported": _reported(summary),
        "values": {name: [t.values[name] for t in trials] for name in summary.dimensions},
        "trainings": {
            number: [_short(accuracy) for accuracy in mean.accuracies]
            for number, mean in summary.means.items()
        },
        "curves": [
            [
                (m.epoch, _short(m.accuracy), _short(m.accuracy_error))
                for m in summary.measurements.get(t.number, ())
            ]
            for t in trials
        ],
    }


def _reported(summary: Summary) -> dict[str, list[tuple[float | None, float | None] | None]]:
    """Values by name beside the quality: of each trial's last measurement, with its error."""
    last = [(summary.measurements.get(t.number) or (None,))[-1] for t in summary.trials]
    rows = [{} if one is None else one.further for one in last]
    names = dict.fromkeys(name for row in rows for name in row)
    return {
        name: [
            (_short(row[name].value), _short(row[name].error)) if name in row else None
            for row in rows
        ]
        for name in names
    }


def timed(record: TrialRecord) -> str:
    """Median and quartiles of a trial's latency: ``2.31 ms (2.29 to 2.4)``."""
    took = record.trial.latency
    if took is None:
        return ""
    ends = f"{took.low * 1e3:.3g} to {took.high * 1e3:.3g}"
    return f"{took.median * 1e3:.3g}\N{NO-BREAK SPACE}ms ({ends})"


def _milliseconds(record: TrialRecord) -> float | None:
    took = record.trial.latency
    return None if took is None else round(took.median * 1e3, 6)


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def database_option(summary: Summary) -> str:
    """What a command needs in order to find the database; servers are named by the environment."""
    usual = summary.database in {_USUAL, ""} or "://" in summary.database
    return "" if usual else f" --database {quote(summary.database)}"
