"""The words and tables of a report, as plain values made from a `Summary`."""

from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any

from reports.figures.agreement import AgreementInfo
from reports.figures.choices import ChoicesInfo
from reports.summary import Summary
from reports.units import duration, percent, plural, quantity
from search_spaces.choices import FloatRange
from trials.records import TrialState

Facts = list[tuple[str, str]]
"""Labels and values, for people."""

_USUAL = "runs/kwsearch.db"
_DIGEST = 12


def headline(summary: Summary) -> str:
    """What was found, in a sentence or two."""
    study = summary.study
    backbone = study.spec.backbone
    tried = plural(len(summary.trials), "network")
    if not summary.front:
        return f"No trial has reached the top rung yet; {tried} tried so far."
    best = summary.front[-1]
    relative = best.trial.params / backbone.params
    text = (
        f"The best of {tried} reaches {percent(best.accuracy or 0.0, best.accuracy_error)} "
        f"validation accuracy with {best.trial.params:,} parameters, {relative:.2f} times plain "
        f"{backbone.name}, after a proxy training of {plural(best.epochs, 'epoch')}."
    )
    if study.finished < study.spec.trials:
        text += f" The search is not over: {study.finished:,} of {study.spec.trials:,} trials."
    return text


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
    sizes = [quantity(m.trial.params) for m in (*front[:1], *front[-1:])]
    stopped = study.states.get(TrialState.STOPPED, 0)
    return [
        (
            "Best accuracy",
            percent(best.accuracy or 0.0) if best else "none yet",
            f"± {100 * (best.accuracy_error or 0):.1f} % standard error" if best else "",
        ),
        (
            "On the front",
            f"{len(front):,}",
            f"{sizes[0]} to {sizes[-1]} parameters" if sizes else "",
        ),
        ("Trials", f"{len(summary.trials):,}", f"{stopped:,} stopped early"),
        (
            "Hypervolume",
            percent(study.hypervolume / summary.area),
            f"of the area up to {quantity(study.spec.reference_params)}",
        ),
        ("Training", duration(study.seconds), plural(study.epochs, "epoch")),
    ]


def searched(summary: Summary) -> Facts:
    """What was searched and on what."""
    settings, spec = summary.settings, summary.study.spec
    backbone = spec.backbone
    proxy, search = settings.get("proxy", {}), settings.get("search", {})
    height, width = backbone.input_size
    images = f"{proxy.get('data', 'unknown')}, {height} by {width} pixels"
    channels = plural(backbone.in_channels, "channel")
    dimensions = [(name, _choice(choice)) for name, choice in summary.dimensions.items()]
    return [
        ("Backbone", f"{backbone.name}, plain {backbone.params:,} parameters"),
        (
            "Images",
            f"{images}, {channels}, {backbone.num_classes:,} classes",
        ),
        ("Budget", _budget(settings.get("budget", {}))),
        ("Rungs", ", ".join(map(str, proxy.get("epochs", summary.rungs))) + " epochs"),
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
    return ", ".join(limits) or "none"


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
        f"Trained to the top rung, the same trials would have taken {whole:,} epochs; "
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


def taus(info: AgreementInfo) -> Iterator[tuple[str, list[str]]]:
    """A line for all sizes and one a size band; a cell a lower rung: tau and trials."""
    rungs = sorted({row.rung for row in info.rows})
    for band in (None, *range(len(info.bands))):
        rows = {row.rung: row for row in info.rows if row.band == band}
        ends = (0, 0) if band is None else info.bands[band]
        name = "All sizes" if band is None else f"{quantity(ends[0])} to {quantity(ends[1])}"
        cells = (rows[rung] for rung in rungs)
        yield (
            name,
            [f"{'none' if c.tau is None else f'{c.tau:+.2f}'} (n = {c.trials:,})" for c in cells],
        )


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
    trials, states = summary.trials, list(TrialState)
    return {
        "params": [t.trial.params for t in trials],
        "macs": [t.trial.macs for t in trials],
        "accuracy": [_short(t.accuracy) for t in trials],
        "error": [_short(t.accuracy_error) for t in trials],
        "epochs": [t.epochs for t in trials],
        "seconds": [round(t.seconds, 1) for t in trials],
        "state": [states.index(t.state) for t in trials],
        "cause": [t.cause for t in trials],
        "detail": [t.detail for t in trials],
        "digest": [t.trial.digest[:_DIGEST] for t in trials],
        "values": {name: [t.values[name] for t in trials] for name in summary.dimensions},
        "curves": [
            [
                (m.epoch, _short(m.accuracy), _short(m.accuracy_error))
                for m in summary.measurements.get(t.number, ())
            ]
            for t in trials
        ],
    }


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def database_option(summary: Summary) -> str:
    """What a command needs in order to find the database; servers are named by the environment."""
    usual = summary.database in {_USUAL, ""} or "://" in summary.database
    return "" if usual else f" --database {quote(summary.database)}"
